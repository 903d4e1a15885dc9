import Testing

@testable import Working

@Suite struct SlotResourcesTests {
  static func variable(_ name: String, _ resources: SlotResources, _ slot: Int) -> String? {
    resources.variables(of: slot).first { $0.hasPrefix("\(name)=") }
      .map { String($0.dropFirst(name.count + 1)) }
  }

  @Test func dealsDevicesOutEvenly() {
    let resources = SlotResources(slots: 2, gpus: ["0", "1", "2", "3", "4"], cores: [0, 1])
    #expect(Self.variable("CUDA_VISIBLE_DEVICES", resources, 0) == "0,1,2")
    #expect(Self.variable("CUDA_VISIBLE_DEVICES", resources, 1) == "3,4")
    #expect(Self.variable("HIP_VISIBLE_DEVICES", resources, 1) == "3,4")
    #expect(Self.variable("OMP_NUM_THREADS", resources, 1) == "1")
  }

  @Test func sharesThemWhenThereAreFewer() {
    let resources = SlotResources(slots: 5, gpus: ["GPU-a", "GPU-b"], cores: [])
    let all = (0..<5).map { Self.variable("CUDA_VISIBLE_DEVICES", resources, $0) }
    #expect(all == ["GPU-a", "GPU-b", "GPU-a", "GPU-b", "GPU-a"])
    #expect(Self.variable("OMP_NUM_THREADS", resources, 0) == nil)
  }

  @Test func everyDeviceGoesToExactlyOneSlot() {
    for slots in 1...7 {
      for count in slots...16 {
        let devices = (0..<count).map(String.init)
        let resources = SlotResources(slots: slots, gpus: devices, cores: [])
        let dealt = (0..<slots).flatMap {
          Self.variable("CUDA_VISIBLE_DEVICES", resources, $0)?.split(separator: ",") ?? []
        }
        #expect(dealt.map(String.init) == devices)
      }
    }
  }

  @Test func slotsWithoutAnythingHaveNoVariables() {
    #expect(SlotResources().variables(of: 0).isEmpty)
  }
}
