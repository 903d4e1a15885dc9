/// A Kubernetes Job of workers, with the Secret that holds their token.
package struct KubernetesJob: Sendable, Hashable {
  /// From the SIGTERM to a pod until it is killed, and what of that is left to its trials.
  static let terminationSeconds = 60
  static let grace: Duration = .seconds(45)
  /// Pods that may fail, for each worker, before Kubernetes gives the job up.
  static let failuresPerWorker = 100

  /// What each pod runs.
  package let worker: WorkerCommand
  /// How many pods.
  package let count: Int
  /// The container's image, in which `needletail` and the objective's programs are.
  package let image: String
  /// Certificates, as text, that the coordinator's must descend from; nil for the system's.
  package let authority: String?
  /// Tells this launch's objects from those of others: lower-case letters and digits.
  package let suffix: String

  /// - Throws: ``LaunchError/noImage(_:)``.
  package init(
    worker: WorkerCommand, count: Int, image: String, authority: String? = nil, suffix: String
  ) throws(LaunchError) {
    guard !image.isEmpty, image.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw .noImage(image)
    }
    var worker = worker
    worker.grace = worker.grace ?? Self.grace
    worker.tokenFile = "/etc/needletail/token"
    if authority != nil { worker.certificateAuthority = "/etc/needletail/ca.pem" }
    self.worker = worker
    self.count = count
    self.image = image
    self.authority = authority
    self.suffix = suffix
  }

  /// The name of both objects: a DNS label.
  package var name: String {
    var label = ""
    for character in worker.study.lowercased() {
      let isFine = character.isASCII && (character.isLetter || character.isNumber)
      if isFine { label.append(character) } else if label.last != "-" { label.append("-") }
    }
    // 63 characters, less those that Kubernetes appends for a pod.
    let middle = label.split(separator: "-").joined(separator: "-").prefix(30)
    return (["needletail"] + middle.split(separator: "-").map(String.init) + [suffix])
      .joined(separator: "-")
  }

  /// Both objects in YAML. The Secret holds the token: it is for `kubectl`, not for a repository.
  package func manifest(token: String) -> String {
    var secret = ["token": token]
    if let authority { secret["ca.pem"] = authority }
    let data = secret.sorted { $0.key > $1.key }.map { "  \($0.key): \(Self.text($0.value))" }
    let command = worker.words.map { "            - \(Self.text($0))" }
    return """
      apiVersion: v1
      kind: Secret
      metadata:
        name: \(name)
        labels:
          app.kubernetes.io/name: needletail
          app.kubernetes.io/component: worker
      type: Opaque
      stringData:
      \(data.joined(separator: "\n"))
      ---
      apiVersion: batch/v1
      kind: Job
      metadata:
        name: \(name)
        labels:
          app.kubernetes.io/name: needletail
          app.kubernetes.io/component: worker
        annotations:
          needletail/study: \(Self.text(worker.study))
      spec:
        # No completions: a worker ends when the study needs no more, and then all do.
        parallelism: \(count)
        backoffLimit: \(count * Self.failuresPerWorker)
        ttlSecondsAfterFinished: 86400
        template:
          metadata:
            labels:
              app.kubernetes.io/name: needletail
              app.kubernetes.io/component: worker
          spec:
            restartPolicy: Never
            automountServiceAccountToken: false
            terminationGracePeriodSeconds: \(Self.terminationSeconds)
            containers:
              - name: worker
                image: \(Self.text(image))
                command:
      \(command.joined(separator: "\n"))
                volumeMounts:
                  - name: needletail
                    mountPath: /etc/needletail
                    readOnly: true
            volumes:
              - name: needletail
                secret:
                  secretName: \(name)

      """
  }

  /// A text as a double-quoted scalar of YAML.
  static func text(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\x" + (digits.count < 2 ? "0" : "") + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
