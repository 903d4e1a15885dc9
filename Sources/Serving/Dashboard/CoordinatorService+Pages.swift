internal import Dashboard

/// The pages themselves: what everybody may load, since it holds nothing of any study.
extension CoordinatorService {
  func page(_ call: Route.Call) -> HTTPResponse { Self.answer(.page, call.request) }

  func asset(_ call: Route.Call) throws -> HTTPResponse {
    guard let asset = DashboardAsset.all[call.values[0]] else {
      throw APIError(404, "unknown_path", "there is no such file")
    }
    return Self.answer(asset, call.request)
  }

  private static func answer(_ asset: DashboardAsset, _ request: HTTPRequest) -> HTTPResponse {
    var headers = [
      ("Content-Security-Policy", DashboardAsset.policy), ("Referrer-Policy", "no-referrer"),
      ("Cross-Origin-Opener-Policy", "same-origin"),
      ("Cross-Origin-Resource-Policy", "same-origin"), ("ETag", asset.tag),
      // Kept, but asked for each time whether it is still the same.
      ("Cache-Control", "no-cache"),
    ]
    headers.append(("X-Frame-Options", "DENY"))
    if let known = request.known, known.contains(asset.tag) {
      return HTTPResponse(status: 304, contentType: asset.contentType, body: [], headers: headers)
    }
    return HTTPResponse(
      status: 200, contentType: asset.contentType, body: asset.body, headers: headers)
  }
}
