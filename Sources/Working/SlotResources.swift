/// What each slot of a pool has for itself: nothing yet.
package struct SlotResources: Sendable {
  package init() {}

  /// Variables for the commands of a slot, as `NAME=value`.
  package func variables(of slot: Int) -> [String] { [] }

  /// Binds the calling thread, and with it the commands it starts, to the slot's cores.
  package func bindThread(of slot: Int) {}
}
