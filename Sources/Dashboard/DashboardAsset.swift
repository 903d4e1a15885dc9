internal import Plotting
internal import System

/// A file of the dashboard, as browsers load it.
package struct DashboardAsset: Sendable {
  /// The value of the header `Content-Type`.
  package let contentType: String
  /// The file as it is.
  package let body: [UInt8]
  /// The value of the header `ETag`: another one for any other content.
  package let tag: String

  private init(_ contentType: String, _ body: [UInt8]) {
    self.contentType = contentType
    self.body = body
    // No attacker gains by making two files that look the same.
    tag = "\"\(String(StableHash.bits64(body), radix: 16))\""
  }

  /// What the pages may do: load their own files and ask their own server, nothing else; nothing
  /// inline runs, and no page may frame them.
  package static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  /// The page: one document, which shows what its address says.
  package static let page = DashboardAsset(html, PackageResources.index_html)

  /// All other files by name.
  package static let all: [String: DashboardAsset] = [
    "app.css": DashboardAsset(css, PackageResources.app_css),
    "inks.css": DashboardAsset(css, Array(HTMLPage.inkStyles.utf8)),
    "figure.js": DashboardAsset(script, HTMLPage.script),
    "icon.svg": DashboardAsset("image/svg+xml", PackageResources.icon_svg),
    "api.js": DashboardAsset(script, PackageResources.api_js),
    "app.js": DashboardAsset(script, PackageResources.app_js),
    "chart.js": DashboardAsset(script, PackageResources.chart_js),
    "compare.js": DashboardAsset(script, PackageResources.compare_js),
    "dom.js": DashboardAsset(script, PackageResources.dom_js),
    "figures.js": DashboardAsset(script, PackageResources.figures_js),
    "study.js": DashboardAsset(script, PackageResources.study_js),
    "studies.js": DashboardAsset(script, PackageResources.studies_js),
    "table.js": DashboardAsset(script, PackageResources.table_js),
    "trial.js": DashboardAsset(script, PackageResources.trial_js),
    "workers.js": DashboardAsset(script, PackageResources.workers_js),
  ]

  private static let html = "text/html; charset=utf-8"
  private static let css = "text/css; charset=utf-8"
  private static let script = "text/javascript; charset=utf-8"
}
