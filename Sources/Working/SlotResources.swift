internal import Objectives
internal import System

/// What each slot of a pool has for itself: graphics processors and cores, dealt out evenly.
package struct SlotResources: Sendable, Hashable {
  /// The processors of each slot, as the drivers name them; empty without any.
  private let gpus: [[String]]
  /// The cores of each slot, by number; empty to leave it to the system.
  private let cores: [[Int]]
  /// A variable that all commands get, such as a guardian's mark; nil for none.
  package var mark: String?

  /// Deals the devices out.
  ///
  /// - Parameters:
  ///   - slots: How many slots there are; at least 1.
  ///   - gpus: Devices by number or identifier; with fewer devices than slots they are shared.
  ///   - cores: Cores by number, likewise.
  package init(slots: Int, gpus: [String], cores: [Int]) {
    self.gpus = Self.deal(gpus, among: slots)
    self.cores = Self.deal(cores, among: slots)
  }

  /// Slots without anything of their own.
  package init() { self.init(slots: 1, gpus: [], cores: []) }

  private static func deal<Item>(_ items: [Item], among slots: Int) -> [[Item]] {
    guard !items.isEmpty else { return [] }
    return (0..<slots).map { slot in
      if items.count <= slots { return [items[slot % items.count]] }
      return items.indices.filter { $0 * slots / items.count == slot }.map { items[$0] }
    }
  }

  /// Variables for the commands of a slot, as `NAME=value`.
  package func variables(of slot: Int) -> [String] {
    var variables = [mark].compactMap { $0 }
    if slot < gpus.count {
      let list = gpus[slot].joined(separator: ",")
      variables += ["CUDA_VISIBLE_DEVICES=\(list)", "HIP_VISIBLE_DEVICES=\(list)"]
    }
    if slot < cores.count { variables.append("OMP_NUM_THREADS=\(cores[slot].count)") }
    return variables
  }

  /// Binds the calling thread, and with it the commands it starts, to the slot's cores.
  package func bindThread(of slot: Int) {
    if slot < cores.count { Processors.bindThread(to: cores[slot]) }
  }
}
