/* Small charts as SVG, drawn anew at every move: as wide as their place, coloured and dashed by explorer.css. */
(() => {
  const R = (window.Recurrences ??= {});
  const LEFT = 46,
    RIGHT = 10,
    ABOVE = 8,
    BELOW = 34,
    SIZE = 4.5;

  function ticks(low, high, about) {
    const raw = (high - low) / about,
      ten = 10 ** Math.floor(Math.log10(raw));
    const step = ten * [1, 2, 5, 10].find((by) => by * ten >= raw);
    const count = Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1;
    return Array.from({ length: count }, (_, i) => +((Math.ceil(low / step - 1e-9) + i) * step).toPrecision(12));
  }

  const MARKS = {
    // so that series differ in grey, too
    circle: (x, y, s) => `M${x - s},${y}a${s},${s} 0 1,0 ${2 * s},0a${s},${s} 0 1,0 ${-2 * s},0z`,
    diamond: (x, y, s) => `M${x},${y - 1.4 * s}l${1.4 * s},${1.4 * s}l${-1.4 * s},${1.4 * s}l${-1.4 * s},${-1.4 * s}z`,
    square: (x, y, s) => `M${x - s},${y - s}h${2 * s}v${2 * s}h${-2 * s}z`,
  };

  /* A chart in a place: what is added to it, in the units of its axes, shows at ``show``. */
  function chart(place, { x, y, xTitle, yTitle, xTicks, yTicks }) {
    const width = Math.max(place.clientWidth, 160),
      height = Math.max(place.clientHeight, 100),
      parts = [];
    const sx = (v) => +(LEFT + ((v - x[0]) / (x[1] - x[0])) * (width - LEFT - RIGHT)).toFixed(2);
    const sy = (v) => +(height - BELOW - ((v - y[0]) / (y[1] - y[0])) * (height - BELOW - ABOVE)).toFixed(2);
    const put = (text) => parts.push(text);
    const few = xTicks && Math.ceil((22 * xTicks.length) / (width - LEFT - RIGHT)); // so that none runs into the next
    for (const v of xTicks?.filter((_, i) => i % few === 0) ?? ticks(...x, width / 55))
      put(`<text class="tick" x="${sx(v)}" y="${height - BELOW + 14}" text-anchor="middle">${R.number(v)}</text>`);
    for (const v of yTicks ?? ticks(...y, (height - BELOW) / 28)) {
      put(`<path class="grid" d="M${LEFT},${sy(v)}H${width - RIGHT}"/>`);
      put(`<text class="tick" x="${LEFT - 5}" y="${sy(v) + 4}" text-anchor="end">${R.number(v)}</text>`);
    }
    const middle = (ABOVE + height - BELOW) / 2;
    put(`<text x="${(LEFT + width - RIGHT) / 2}" y="${height - 5}" text-anchor="middle">${xTitle}</text>`);
    put(`<text transform="translate(11,${middle}) rotate(-90)" text-anchor="middle">${yTitle}</text>`);
    return {
      line: (kind, points) =>
        points.length > 1 &&
        put(`<path class="line ${kind}" d="M${points.map(([a, b]) => `${sx(a)},${sy(b)}`).join("L")}"/>`),
      mark: (kind, shape, a, b, size = SIZE) =>
        put(`<path class="mark ${kind}" d="${MARKS[shape](sx(a), sy(b), size)}"/>`),
      bar: (kind, a, b) => {
        const half = 0.36 * (sx(1) - sx(0)),
          top = Math.min(sy(b), sy(0));
        put(
          `<rect class="bar ${kind}" x="${sx(a) - half}" y="${top}" width="${2 * half}" height="${Math.abs(sy(b) - sy(0))}"/>`,
        );
      },
      band: (kind, a, b) =>
        put(
          `<rect class="band ${kind}" x="${sx(a)}" y="${ABOVE}" width="${sx(b) - sx(a)}" height="${height - BELOW - ABOVE}"/>`,
        ),
      level: (kind, b, text = "") => {
        put(`<path class="line ${kind}" d="M${LEFT},${sy(b)}H${width - RIGHT}"/>`);
        put(`<text class="tick" x="${LEFT + 4}" y="${sy(b) - 4}">${text}</text>`);
      },
      show: (label) => {
        place.innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img">${parts.join("")}</svg>`;
        place.firstChild.setAttribute("aria-label", label);
      },
    };
  }

  /* A square of shares, row by row, as shades of the colour of its canvas. */
  function shades(canvas, n, share) {
    if (canvas.width !== n) canvas.width = canvas.height = n;
    const context = canvas.getContext("2d"),
      picture = context.createImageData(n, n);
    const [red, green, blue] = getComputedStyle(canvas).color.match(/\d+/g).map(Number);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) picture.data.set([red, green, blue, 255 * share(i, j)], 4 * (i * n + j));
    context.putImageData(picture, 0, 0);
  }

  Object.assign(R, { chart, shades });
})();
