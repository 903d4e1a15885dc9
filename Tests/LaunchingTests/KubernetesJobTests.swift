import Foundation
import Launching
import Testing

@Suite struct KubernetesJobTests {
  private func job(
    study: String = "digits", image: String = "registry/needletail:1", authority: String? = nil
  ) throws -> KubernetesJob {
    var worker = WorkerCommand(coordinator: "https://head:7654", study: study)
    worker.slots = 2
    return try KubernetesJob(
      worker: worker, count: 4, image: image, authority: authority, suffix: "x1y2z3")
  }

  /// Kubernetes names are DNS labels of at most 63 characters.
  @Test(arguments: [
    ("digits", "needletail-digits-x1y2z3"),
    ("My Study: größe/2", "needletail-my-study-gr-e-2-x1y2z3"),
    ("🐦", "needletail-x1y2z3"),
    (String(repeating: "long ", count: 40), "needletail-long-long-long-long-long-long-x1y2z3"),
  ])
  func namesAreLabels(study: String, name: String) throws {
    #expect(try job(study: study).name == name)
  }

  @Test(arguments: ["", "two words", "line\nbreak"])
  func refusesWhatIsNoImage(image: String) {
    #expect(throws: LaunchError.noImage(image)) { try job(image: image) }
  }

  @Test(arguments: ["1.25", "1.31", "1.37"], [nil, "-----BEGIN\nx\n"])
  func theManifestPassesTheStrictSchema(version: String, authority: String?) throws {
    let manifest = try job(study: "a \"study\": \u{7}\n- x", authority: authority)
      .manifest(token: "nt_secret")
    let script = """
      import json, sys, yaml, kubernetes_validate
      documents = list(yaml.safe_load_all(sys.stdin))
      for document in documents:
          kubernetes_validate.validate(document, "\(version)", strict=True)
      # The check is worth something: it refuses what a Job does not have.
      documents[1]["spec"]["paralellism"] = 1
      try:
          kubernetes_validate.validate(documents[1], "\(version)", strict=True)
          sys.exit("the schema is not strict")
      except kubernetes_validate.ValidationError:
          del documents[1]["spec"]["paralellism"]
      print(json.dumps(documents))
      """
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let python =
      ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
      ?? root.appendingPathComponent(".build/venv/bin/python").path
    let output = try Program.run([python, "-W", "ignore", "-c", script], input: manifest)
    let documents = try #require(
      try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: Any]])
    #expect(documents.map { $0["kind"] as? String } == ["Secret", "Job"])
    let secret = try #require(documents[0]["stringData"] as? [String: String])
    #expect(secret["token"] == "nt_secret")
    #expect(secret["ca.pem"] == authority)
    let spec = try #require(documents[1]["spec"] as? [String: Any])
    #expect(spec["parallelism"] as? Int == 4)
    let template = try #require(spec["template"] as? [String: Any])
    let pod = try #require(template["spec"] as? [String: Any])
    let container = try #require((pod["containers"] as? [[String: Any]])?.first)
    let words = try #require(container["command"] as? [String])
    #expect(words.contains("a \"study\": \u{7}\n- x"))
    #expect(words.contains("/etc/needletail/token"))
    #expect(words.contains("--ca") == (authority != nil))
    #expect(!words.joined().contains("nt_secret"))
  }
}
