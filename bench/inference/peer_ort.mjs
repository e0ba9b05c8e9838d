// The side of bench/inference.py that runs ONNX Runtime; the same lines on stdin as runner.cpp.
//   node peer_ort.mjs FOLDER_WITH_NODE_MODULES MODEL.onnx THREADS INPUT
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const [folder, path, threads, inputPath] = process.argv.slice(2);
const ort = createRequire(resolve(folder, "x.js"))("onnxruntime-node");
const session = await ort.InferenceSession.create(path, {
  intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: "sequential", graphOptimizationLevel: "all",
});
const bytes = readFileSync(inputPath);
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", values, [1, 3, 224, 224]) };
const predict = async () => (await session.run(feeds))[session.outputNames[0]];

async function milliseconds(work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

const verbs = {
  async run(count) {
    const times = [];
    for (let i = 0; i < Number(count); ++i) times.push(await milliseconds(predict));
    return times.join(" ");
  },
  many: (count) => milliseconds(async () => { for (let i = 0; i < Number(count); ++i) await predict(); }),
  async output(file) {
    const { data } = await predict();
    writeFileSync(file, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    return "";
  },
};

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, argument] = line.split(" ");
  console.log(await verbs[verb](argument));
}
