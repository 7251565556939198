// LiveKit's worker trusts the media server on what is encrypted. This one encrypts and decrypts every frame;
// unencrypted frames are neither sent nor shown.

import "livekit-client/e2ee-worker";

/** Not in TypeScript's library for pages. */
type TransformEvent = Event & { transformer: { options?: Subject } };
type Order = { kind: string; data?: Subject & { enabled?: boolean } };
type Subject = { kind?: string; participantIdentity?: string; trackId?: string; previousTrackId?: string };

const handleMessage = self.onmessage;
const transform = (self as { onrtctransform?: ((event: TransformEvent) => void) | null }).onrtctransform;
const reply = self.postMessage.bind(self);
/** Messages of this worker's own, whose replies are dropped. */
const ownOrders = new WeakSet<object>();

/** Track ids sent out. LiveKit's worker tells tracks apart by ids that the server may assign twice. */
const outgoing = new Set<string>();

/** Whether this message would treat a track of this page as another participant's. */
function takesOver(kind: string, { trackId = "", previousTrackId = "" }: Subject): boolean {
  return (["decode", "removeTransform"].includes(kind) && outgoing.has(trackId)) || outgoing.has(previousTrackId);
}

function enableEncryption(participantIdentity: string | undefined) {
  if (!participantIdentity) return;
  const order: Order = { kind: "enable", data: { participantIdentity, enabled: true } };
  ownOrders.add(order);
  handleMessage?.call(self, new MessageEvent("message", { data: order }));
}

self.postMessage = ((message: object, ...rest: []) => {
  if (!ownOrders.has(message)) reply(message, ...rest);
}) as typeof self.postMessage;

self.onmessage = (event: MessageEvent<Order>) => {
  const { kind, data } = event.data;
  if (data && takesOver(kind, data)) return;
  if (kind === "encode" && data?.trackId) outgoing.add(data.trackId);
  if (kind === "enable" && data) data.enabled = true;
  if (kind === "encode" || kind === "decode" || kind === "updateCodec") enableEncryption(data?.participantIdentity);
  handleMessage?.call(self, event);
};

if (transform) {
  Object.assign(self, {
    onrtctransform: (event: TransformEvent) => {
      const { options = {} } = event.transformer;
      if (takesOver(options.kind ?? "", options)) return;
      if (options.kind === "encode" && options.trackId) outgoing.add(options.trackId);
      enableEncryption(options.participantIdentity);
      transform.call(self, event);
    },
  });
}
