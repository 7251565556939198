// The bytes of a file, sealed and opened record by record.

import { FileKey, RECORD_BYTES } from "../e2ee/file-key";
import type { FileBond } from "../e2ee/sealed-text";

const SEALED_RECORD = RECORD_BYTES + 16;

export async function sealBytes(bytes: Blob, bond: FileBond, room: string): Promise<Blob> {
  const key = await FileKey.of(bond, room);
  const records: ArrayBuffer[] = [];
  for (let at = 0, index = 0; at < bytes.size; at += RECORD_BYTES, index += 1)
    records.push(await key.seal(await bytes.slice(at, at + RECORD_BYTES).arrayBuffer(), index));
  return new Blob(records);
}

/** Throws where the bytes are not exactly what was sealed. */
export async function openBytes(sealed: Blob, bond: FileBond, room: string, type: string): Promise<Blob> {
  const key = await FileKey.of(bond, room);
  const records: ArrayBuffer[] = [];
  for (let at = 0, index = 0; at < sealed.size; at += SEALED_RECORD, index += 1)
    records.push(await key.open(await sealed.slice(at, at + SEALED_RECORD).arrayBuffer(), index));
  const whole = new Blob(records, { type });
  // Records that are missing at the end are seen here: none of them was opened.
  if (whole.size !== bond.size) throw new RangeError("a sealed file is not whole");
  return whole;
}
