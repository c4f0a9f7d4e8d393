// How the messages of figures/array_message.py are read.

// Four bytes hold the length of the JSON that follows; behind it stand the arrays, each at a multiple of four.
// A lesson's file has read all of its stages at once: what is no bytes has its arrays already.
function unpack(message) {
  if (!(message instanceof Uint8Array)) return message;
  const length = new DataView(message.buffer, message.byteOffset, 4).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(message.subarray(4, 4 + length)));
  const body = message.slice(4 + length).buffer; // a copy, since the view's own offset need not be a multiple of four
  const made = { f4: Float32Array, i4: Int32Array, u1: Uint8Array };
  head.arrays = head.arrays.map(({ kind, shape, offset }) => ({
    shape, data: new made[kind](body, offset, shape.reduce((product, size) => product * size, 1)),
  }));
  return head;
}
