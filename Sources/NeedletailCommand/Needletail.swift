@main
struct Needletail {
  static func main() {}
}
