// A page's machine whose cameras and microphones the test unplugs and plugs in: Chromium's fake ones stay for ever.

/** `names` are parts of labels. What is out is in no list, cannot be opened, and what was open has ended. */
export async function pluggable(page) {
  await page.evaluate(() => {
    const { mediaDevices } = navigator;
    const [list, open] = [mediaDevices.enumerateDevices, mediaDevices.getUserMedia].map((f) => f.bind(mediaDevices));
    const opened = new Set();
    let out = [];
    const isOut = ({ kind, label }) =>
      kind !== "audiooutput" && out.some((name) => label.toLowerCase().includes(name.toLowerCase()));
    mediaDevices.enumerateDevices = async () => (await list()).filter((device) => !isOut(device));
    mediaDevices.getUserMedia = async (wish) => {
      const [kind, audioOrVideo] = wish.video ? ["videoinput", "video"] : ["audioinput", "audio"];
      const there = (await mediaDevices.enumerateDevices()).filter((device) => device.kind === kind);
      const { deviceId: asked } = Object(wish[audioOrVideo]);
      const exact = asked?.exact;
      const id = [exact ?? asked?.ideal ?? asked].flat()[0];
      const device = there.find(({ deviceId }) => deviceId === id) ?? (exact ? undefined : there[0]);
      if (!device) throw new DOMException("Requested device not found", "NotFoundError");
      const stream = await open({
        [audioOrVideo]: { ...Object(wish[audioOrVideo]), deviceId: { exact: device.deviceId } },
      });
      for (const track of stream.getTracks()) opened.add(track);
      return stream;
    };
    globalThis.setOut = (names) => {
      out = names;
      for (const track of opened) {
        if (track.readyState === "ended" || !isOut({ kind: track.kind, label: track.label })) continue;
        track.stop();
        track.dispatchEvent(new Event("ended"));
      }
      mediaDevices.dispatchEvent(new Event("devicechange"));
    };
  });
}

/** From now on these are out, and no others. */
export const unplug = (page, ...names) => page.evaluate((names) => globalThis.setOut(names), names);
