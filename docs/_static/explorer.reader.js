/* Numbers from what is typed or pasted, one vector to a line; what cannot be read is refused, by row. */
(() => {
  const R = (window.Recurrences ??= {});
  const DELIMITERS = [";", "\t", "|", ","];
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const COMMA = /^[+-]?(\d+,\d*|,\d+)(e[+-]?\d+)?$/i; // a decimal comma
  const SPECIAL = /^[+-]?(nan|inf|infinity)$/i;
  const shown = (text) => `“${text.length > 20 ? text.slice(0, 20) + "…" : text}”`;

  class Refused extends Error {}
  const refuse = (sentence) => {
    throw new Refused(sentence);
  };

  function lines(text) {
    const all = text
      .replace(/^\uFEFF/, "")
      .replace(/−/g, "-")
      .split(/\r\n|\n|\r/)
      .map((line, i) => [i + 1, line.trim()]);
    while (all.length && !all.at(-1)[1].replace(/[;,|]/g, "")) all.pop();
    while (all.length && all[0][1].startsWith("#")) all.shift();
    if (!all.length) refuse("There is no number in it.");
    for (const [row, line] of all) if (!line) refuse(`Row ${row} is empty.`);
    return all;
  }

  function value(cell, row, column, comma) {
    const where = `Row ${row}, column ${column}`;
    if (!cell) refuse(`${where} is empty.`);
    if (SPECIAL.test(cell)) refuse(`${where} must be a finite number, got ${shown(cell)}.`);
    if (comma && COMMA.test(cell)) {
      if (/^[+-]?[1-9]\d{0,2},\d{3}$/.test(cell))
        refuse(`${where}: ${shown(cell)} may have a decimal comma or mark thousands; write a point.`);
      cell = cell.replace(",", ".");
    }
    if (!NUMBER.test(cell)) refuse(`${where}: ${shown(cell)} is no number.`);
    return Number(cell);
  }

  /* The rows of a text, as many as the model takes, and how they were understood. */
  function read(text, settings) {
    const all = lines(text),
      said = [];
    const found = DELIMITERS.find((one) => all.some(([, line]) => line.includes(one)));
    if (found === "," && all.every(([, line]) => COMMA.test(line)))
      refuse(
        `Row ${all[0][0]}: ${shown(all[0][1])} may be one number or two; write a point, or a blank after the comma.`,
      );
    const cells = all.map(([row, line]) => [
      row,
      line.split(found ?? /\s+/).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")),
    ]);
    if (cells.length > 1 && cells[0][1].every((cell) => /^[a-z_]/i.test(cell) && !SPECIAL.test(cell))) {
      cells.shift();
      said.push("1 header row");
    }
    const width = cells[0][1].length;
    let rows = cells.map(([row, line]) => {
      const numbers = line.map((cell, i) => value(cell, row, i + 1, found === ";" || found === "\t"));
      if (line.length !== width) refuse(`Row ${row} has ${line.length} numbers, the first has ${width}.`);
      const far = numbers.findIndex((x) => !(Math.abs(x) <= settings.largest));
      if (far >= 0) refuse(`Row ${row}, column ${far + 1} is larger than ${settings.largest}.`);
      return numbers;
    });
    if (rows.length === 1 && width > 1) {
      rows = rows[0].map((x) => [x]);
      said.push(`one row: a sequence of ${width} single numbers`);
    } else said.push(`${rows.length} rows of ${width} number${width > 1 ? "s" : ""}`);
    if (rows[0].length > settings.dimension)
      refuse(`Row ${cells[0][0]} has ${width} numbers, a vector of this model at most ${settings.dimension}.`);
    if (rows.length < settings.minimum)
      refuse(
        `There must be at least ${settings.minimum} rows, there are ${rows.length}: with fewer the next cannot be known.`,
      );
    if (rows.length > settings.contexts) {
      rows = rows.slice(-settings.contexts);
      said.push(`the last ${settings.contexts} are used`);
    }
    if (rows.every((row) => row.every((x, i) => Math.abs(x - rows[0][i]) < 1 / settings.largest)))
      refuse(`All rows equal row ${cells[0][0]}, so that any c fits and none can be found.`);
    return { rows, understood: said.join(", ") };
  }

  Object.assign(R, { read, Refused });
})();
