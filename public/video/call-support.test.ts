import { afterEach, expect, test, vi } from "vitest";
import { callObstacle } from "./call-support";

afterEach(() => vi.unstubAllGlobals());

class Sender {}

test("a browser without WebRTC has no call at all", () => {
  vi.stubGlobal("RTCRtpScriptTransform", class {});
  expect([callObstacle(false), callObstacle(true)]).toEqual(["no_webrtc", "no_webrtc"]);
});

test("a browser that cannot encrypt media has calls where no key is", () => {
  vi.stubGlobal("RTCPeerConnection", class {});
  vi.stubGlobal("RTCRtpSender", Sender);
  expect([callObstacle(false), callObstacle(true)]).toEqual([null, "no_lock"]);
  vi.stubGlobal("RTCRtpScriptTransform", class {});
  expect(callObstacle(true)).toBeNull();
});

test("either way to encrypt media is enough", () => {
  vi.stubGlobal("RTCPeerConnection", class {});
  vi.stubGlobal(
    "RTCRtpSender",
    class extends Sender {
      createEncodedStreams() {}
    },
  );
  expect(callObstacle(true)).toBeNull();
  vi.stubGlobal("crypto", {});
  expect([callObstacle(false), callObstacle(true)]).toEqual([null, "insecure_lock"]);
});
