// The side of onnx_runtime.py that runs ONNX Runtime: one model, one set of inputs, all outputs.
//   node onnx_runtime.mjs FOLDER_WITH_NODE_MODULES MODEL.onnx FOLDER
// FOLDER/in.json lists the inputs (name, type, dims, file); FOLDER/out.json and its files come back.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [modules, model, folder] = process.argv.slice(2);
const ort = createRequire(resolve(modules, "x.js"))("onnxruntime-node");
const arrays = { float32: Float32Array, float16: Uint16Array };
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
const feeds = {};
for (const { name, type, dims, file } of JSON.parse(readFileSync(join(folder, "in.json")))) {
  const bytes = readFileSync(join(folder, file));
  feeds[name] = new ort.Tensor(type, new arrays[type](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), dims);
}
const results = await session.run(feeds);
const list = session.outputNames.map((name, i) => {
  const { type, dims, data } = results[name];
  writeFileSync(join(folder, `out${i}`), Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return { name, type, dims, file: `out${i}` };
});
writeFileSync(join(folder, "out.json"), JSON.stringify(list));
