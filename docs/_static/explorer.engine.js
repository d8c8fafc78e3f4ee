/* The model: loads runtime and graph, as scripts, which a page opened as a file can load, too; and runs it. */
(() => {
  const R = (window.Recurrences ??= {});
  const here = document.currentScript.src.replace(/explorer\.engine\.js.*$/, "");
  let loading = null;

  const script = (name) =>
    new Promise((done, failed) => {
      const one = Object.assign(document.createElement("script"), { src: `${here}explorer.${name}.js`, onload: done });
      one.onerror = () => failed(new Error(`explorer.${name}.js did not load`));
      document.head.append(one);
    });

  async function unpacked(name) {
    const text = atob(R.packed[name]),
      bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    delete R.packed[name];
    const whole = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(whole).arrayBuffer());
  }

  async function start() {
    await Promise.all([script("runtime"), script("model")]);
    const { ort, settings } = { ort: window.ort, settings: R.settings };
    const glue = new Blob([await unpacked("mjs")], { type: "text/javascript" });
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(glue) };
    ort.env.wasm.wasmBinary = (await unpacked("wasm")).buffer;
    const options = { executionProviders: ["wasm"], logSeverityLevel: 3 };
    const session = await ort.InferenceSession.create(await unpacked("model"), options);
    let last = Promise.resolve();

    async function once(rows, strengths, direction) {
      const { contexts, dimension, layers, heads } = settings,
        n = rows.length;
      const given = new Float32Array(contexts * dimension),
        along = new Float32Array(contexts * dimension);
      rows.forEach((row, i) => given.set(row, i * dimension));
      along.set(direction, (n - 1) * dimension);
      const tensor = (data, ...shape) => new ort.Tensor("float32", data, shape);
      const out = await session.run({
        vectors: tensor(given, contexts, dimension),
        strengths: tensor(Float32Array.from(strengths.flat()), layers, heads),
        directions: tensor(along, contexts, dimension),
      });
      const cut = (one) => rows.map((_, i) => Array.from(one.data.subarray(i * dimension, (i + 1) * dimension)));
      const pattern = (layer, head) => (i, j) =>
        out.patterns.data[((layer * heads + head) * contexts + i) * contexts + j];
      return {
        predictions: cut(out.prediction),
        pattern,
        weights: cut(out.pulled_back).map((row) => R.dot(row, direction)),
      };
    }

    /* One context's predictions, attention, and weights on each vector along a direction; one run at a time. */
    const run = (...given) => (last = last.catch(() => 0).then(() => once(...given)));
    return { settings, run };
  }

  R.engine = () => (loading ??= start());
})();
