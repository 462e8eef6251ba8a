// Draws words as points that move between their places before and after tuning: one drawing for the pages Map and
// Atlas. WebGL moves and colours the points; where there is none, a plain canvas does. Nothing is asked of the
// server but the points themselves; what a visitor chose is reported to it, for the address and the table.
export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".lexmap");
  root.lexmap ??= wordMap(root);
  root.lexmap.show(data, setStateValue);
}

function wordMap(root) {
  const of = (name) => root.querySelector("." + name);
  const [stage, over, tip, dial, say, legend] = ["stage", "over", "tip", "dial", "say", "legend"].map(of);
  const [colourBox, find, offers, lasso, both, play] = ["colour", "find", "offers", "lasso", "both", "play"].map(of);
  const pen = over.getContext("2d");
  let painter = null, tell = null, data = {}, shown = "", reported = "", waiting = 0, frame = 0, flying = 0, since = 0, redraw = 0, whole = true, budget = Infinity;
  let P = null, t = 0, colour = "", lit = "", pair = false, asked = false, hover = -1, chosen = [], ring = null, cursor = [0, 0];
  const view = { x: 0.5, y: 0.5, zoom: 1 }, labelled = [[], []], widths = new Map(), stamps = new Map(), fingers = new Map();
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;  // larger on the wall
  const font = (size) => `600 ${size * unit}px system-ui, 'Segoe UI', sans-serif`;

  const element = (tag, text, cls) => {
    const one = document.createElement(tag);
    if (cls) one.className = cls;
    if (text !== undefined) one.textContent = text;
    return one;
  };
  const fitted = () => { const box = panels().at(-1); return Math.min(box.w / P.wide, box.h / P.tall); };
  const scale = () => 0.9 * fitted() * view.zoom;
  const placed = (index, box) => {
    const at = 4 * index, far = 1 - box.t, s = scale();
    return [box.x + box.w / 2 + (far * P.xy[at] + box.t * P.xy[at + 2] - view.x) * s,
      box.y + box.h / 2 - (far * P.xy[at + 1] + box.t * P.xy[at + 3] - view.y) * s];
  };
  const pointSize = () => clamp((P.n > 20_000 ? 2.2 : P.n > 600 ? 7.5 : 12) * unit * view.zoom ** 0.35, 2, 14 * unit);

  function panels() {
    const [w, h] = [stage.clientWidth, stage.clientHeight];
    if (!pair) return [{ x: 0, y: 0, w, h, t }];
    const stacked = w < STACKED;
    const size = stacked ? [w, h / 2] : [w / 2, h];
    return [{ x: 0, y: 0, w: size[0], h: size[1], t: 0 },
      { x: stacked ? 0 : size[0], y: stacked ? size[1] : 0, w: size[0], h: size[1], t }];
  }

  // The frame is as high as the map needs at its width, within the limits that the style sheet sets.
  function fit() {
    if (!P) return;
    const stacked = pair && stage.clientWidth < STACKED, width = pair && !stacked ? stage.clientWidth / 2 : stage.clientWidth;
    stage.style.height = `${Math.round((width * P.tall) / P.wide + 24 * unit) * (stacked ? 2 : 1)}px`;
    ask();
  }

  function draw(now) {
    frame = 0;
    if (!P || !stage.clientWidth) return;
    const limit = afford(now);
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of [of("points"), over]) {
      const size = [Math.round(stage.clientWidth * ratio), Math.round(stage.clientHeight * ratio)];
      if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, stage.clientWidth, stage.clientHeight);
    painter.begin();
    panels().forEach((box, number) => {
      painter.panel(box, { x: view.x, y: view.y, scale: scale() }, ratio, pointSize(), limit);
      pen.save();
      pen.beginPath();
      pen.rect(box.x, box.y, box.w, box.h);
      pen.clip();
      drawMarks(box);
      drawLabels(box, labelled, number);
      drawTitle(box);
      pen.restore();
    });
    if (ring) {
      pen.beginPath();
      ring.points.forEach(([x, y], at) => pen[at ? "lineTo" : "moveTo"](x, y));
      pen.strokeStyle = INK;
      pen.lineWidth = 1.5;
      pen.setLineDash([5, 4]);
      pen.stroke();
      pen.setLineDash([]);
    }
  }
  // While points move, as many are drawn as this machine manages at 30 pictures a second, the most used words first;
  // all of them a moment after the last movement.
  function afford(now) {
    clearTimeout(redraw);
    if (now === undefined || whole) { whole = false; return P.n; }
    const gap = now - since;  // from asking for a picture to its turn: long where the one before is not finished
    if (gap > 36) budget *= gap > 120 ? 0.4 : 0.75;
    else if (gap < 20) budget *= 1.2;
    budget = clamp(budget, Math.min(P.n, 4000), P.n);
    if (budget < P.n) redraw = setTimeout(() => { whole = true; ask(); }, 300);
    return Math.round(budget);
  }
  const ask = () => {
    if (frame) return;
    since = performance.now();
    frame = requestAnimationFrame(draw);
  };

  function drawTitle(box) {
    if (!P.tuned) return;
    const text = box.t === 0 ? "Before" : box.t === 1 ? "After" : `${Math.round(100 * box.t)} % of the way`;
    pen.font = font(13);
    pen.textAlign = "left";
    const width = pen.measureText(text).width;
    pen.fillStyle = "rgba(255,255,255,.9)";
    pen.fillRect(box.x + 1, box.y + 1, width + 20, 24 * unit);
    pen.fillStyle = INK;
    pen.fillText(text, box.x + 10, box.y + 17 * unit);
    if (box.x || box.y) {
      pen.strokeStyle = "#b5b5b5";
      pen.lineWidth = 1;
      pen.strokeRect(box.x, box.y, box.w + 2, box.h + 2);
    }
  }

  function drawMarks(box) {
    const size = pointSize();
    for (const index of chosen.slice(0, 300)) {
      const [x, y] = placed(index, box), [fromX, fromY] = placed(index, { ...box, t: 0 });
      if (box.t > 0) {  // the way it came
        pen.beginPath();
        pen.moveTo(fromX, fromY);
        pen.lineTo(x, y);
        pen.strokeStyle = "rgba(31,31,31,.45)";
        pen.lineWidth = 1.2;
        pen.stroke();
      }
      circle(x, y, size / 2 + 3, 2);
    }
    if (hover >= 0) circle(...placed(hover, box), size / 2 + 4, 3);
  }
  function circle(x, y, radius, width) {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 7);
    pen.strokeStyle = INK;
    pen.lineWidth = width;
    pen.stroke();
  }

  // A label is drawn once, with a halo, and then copied: text with an outline is slow at thirty pictures a second.
  function stamp(text) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    if (stamps.get(text)?.ratio !== ratio) {
      if (stamps.size > 800) stamps.clear();
      const one = element("canvas"), ink = one.getContext("2d");
      [one.width, one.height, one.ratio] = [Math.ceil((widths.get(text) + 8) * ratio), Math.ceil(22 * unit * ratio), ratio];
      ink.setTransform(ratio, 0, 0, ratio, 0, 0);
      Object.assign(ink, { font: font(12), lineJoin: "round", strokeStyle: "rgba(255,255,255,.92)", lineWidth: 4, fillStyle: INK });
      ink.strokeText(text, 4, 16 * unit);
      ink.fillText(text, 4, 16 * unit);
      stamps.set(text, one);
    }
    return stamps.get(text);
  }

  // Words are tried in the order of their rank, those that were labelled a moment before first: labels do not
  // flicker while points move. A grid of small cells remembers where there is text already.
  function drawLabels(box, memory, number) {
    pen.font = font(12);
    const cell = 8, columns = Math.ceil(box.w / cell), taken = new Uint8Array(columns * Math.ceil(box.h / cell));
    const most = Math.min(150, Math.round((box.w * box.h) / (4200 * unit * unit))), next = [], seen = new Set();
    const offset = pointSize() / 2 + 5, s = scale(), far = 1 - box.t;
    const free = (x, y, w) => {
      const [x0, x1, y0, y1] = [x - w / 2 - 3, x + w / 2 + 3, y - 12 * unit, y + 3].map((one) => Math.floor(one / cell));
      if (x0 < 0 || y0 < 0 || x1 >= columns || (y1 + 1) * cell > box.h) return false;
      for (let row = y0; row <= y1; row++) for (let col = x0; col <= x1; col++) if (taken[row * columns + col]) return false;
      for (let row = y0; row <= y1; row++) for (let col = x0; col <= x1; col++) taken[row * columns + col] = 1;
      return true;
    };
    const attempt = (index) => {
      if (seen.has(index) || P.look[4 * index + 3] < 0) return false;
      const at = 4 * index;
      const x = box.w / 2 + (far * P.xy[at] + box.t * P.xy[at + 2] - view.x) * s;
      const y = box.h / 2 - (far * P.xy[at + 1] + box.t * P.xy[at + 3] - view.y) * s;
      if (x < 0 || y < 0 || x > box.w || y > box.h) return false;
      const text = P.words[index].length > 26 ? P.words[index].slice(0, 25) + "…" : P.words[index];
      if (!widths.has(text)) widths.set(text, pen.measureText(text).width);
      if (free(x, y - offset, widths.get(text))) {
        seen.add(index);
        next.push([index, text, box.x + x, box.y + y - offset]);
      }
      return true;
    };
    if (P.tuned) for (let col = 0; col < 16 * unit; col++) for (let row = 0; row < 4 * unit; row++) taken[row * columns + col] = 1;
    if (hover >= 0) attempt(hover);
    for (const index of chosen.slice(0, 60)) attempt(index);
    for (const index of memory[number]) if (next.length < most) attempt(index);
    for (let index = 0, tried = 0; index < P.n && next.length < most && tried < CANDIDATES; index++) {
      if (attempt(index)) tried++;
    }
    for (const [, text, x, y] of next) {
      const one = stamp(text), [w, h] = [one.width / one.ratio, one.height / one.ratio];
      pen.drawImage(one, Math.round((x - w / 2) * one.ratio) / one.ratio, Math.round((y - h + 6 * unit) * one.ratio) / one.ratio, w, h);
    }
    memory[number] = next.map((one) => one[0]);
  }

  // Colours: each way of colouring is names with marks, or a scale with one value a word, or two: before and after.
  function scales() {
    const found = [...P.colours];
    if (P.tuned) found.push({ name: "movement on the map", kind: "scale", before: P.moved, after: P.moved, low: "stayed", high: "moved furthest" });
    if (data.cosine) {
      const [before, after] = [data.cosine.before, data.cosine.after].map(bytes);
      found.push({ name: `cosine to ${data.cosine.word}`, kind: "scale", before, after, low: data.cosine.low, high: data.cosine.high, of: "cosine" });
    }
    return found;
  }
  function paint() {
    const one = P.scales.find((way) => way.name === colour) ?? P.scales[0], palette = new Uint8Array(1024).fill(255);
    colour = one.name;
    colourBox.value = colour;
    const look = (P.look = new Float32Array(4 * P.n)), names = one.kind === "names";
    for (let code = 0; code < 256; code++) {
      palette.set(names ? rgb(one.marks[Math.min(code, one.marks.length - 1)][0]) : ramp(code / 255), 4 * code);
    }
    const symbols = names ? one.marks.map((mark) => Math.max(0, SYMBOLS.indexOf(mark[1]))) : [];
    const only = names && lit ? one.names.indexOf(lit) : -1;
    for (let index = 0; index < P.n; index++) {
      const [before, after] = names ? [one.codes[index], one.codes[index]] : [one.before[index], one.after[index]];
      const none = !names && before === 255;
      const dim = only >= 0 && before !== only;
      const at = 4 * index;
      look[at] = none ? -1 : (before + 0.5) / 256;
      look[at + 1] = none ? -1 : (after + 0.5) / 256;
      look[at + 2] = names ? symbols[before] : 0;
      look[at + 3] = dim ? -1 : 1;
    }
    painter.colours(palette, look);
    drawLegend(one);
    ask();
  }
  function drawLegend(one) {
    if (one.kind === "names") {
      const count = new Array(one.names.length).fill(0);
      for (let index = 0; index < P.n; index++) count[one.codes[index]]++;
      legend.replaceChildren(...one.names.map((name, code) => {
        const button = element("button"), glyph = element("span", GLYPHS[Math.max(0, SYMBOLS.indexOf(one.marks[code][1]))] + " ");
        glyph.style.color = one.marks[code][0];
        glyph.setAttribute("aria-hidden", "true");
        button.type = "button";
        button.append(glyph, `${name} (${count[code].toLocaleString("en")})`);
        button.setAttribute("aria-pressed", String(lit === name));
        button.title = "Show these alone";
        button.onclick = () => { lit = lit === name ? "" : name; paint(); };
        return button;
      }));
      return;
    }
    const bar = element("span", undefined, "ramp");
    bar.style.background = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map((x) => `rgb(${ramp(x)})`).join(",")})`;
    legend.replaceChildren(element("span", one.low), bar, element("span", one.high + (one.of === "cosine" && data.cosine.note ? `; ${data.cosine.note}` : "")));
  }

  // What is at a place, and what is chosen.
  const boxAt = (x, y) => panels().find((box) => x >= box.x && y >= box.y && x < box.x + box.w && y < box.y + box.h) ?? panels()[0];
  function nearest(x, y, reach) {
    const box = boxAt(x, y), s = scale(), far = 1 - box.t;
    const [wx, wy] = [(x - box.x - box.w / 2) / s + view.x, -(y - box.y - box.h / 2) / s + view.y];
    let [found, best] = [-1, (reach / s) ** 2];
    for (let index = 0, at = 0; index < P.n; index++, at += 4) {
      const dx = far * P.xy[at] + box.t * P.xy[at + 2] - wx, dy = far * P.xy[at + 1] + box.t * P.xy[at + 3] - wy;
      const distance = dx * dx + dy * dy;
      if (distance < best) [found, best] = [index, distance];
    }
    return found;
  }
  function described(index) {
    const parts = [];
    if (P.notes) parts.push(P.notes[index]);
    for (const way of P.scales) {
      if (way.kind === "names") parts.push(`${way.name}: ${way.names[way.codes[index]]}`);
      else if (way.of === "cosine" && way.before[index] !== 255) {
        const value = (code) => (data.cosine.from + (code / 254) * (data.cosine.to - data.cosine.from)).toFixed(2).replace("-", "\u2212");
        parts.push(`${way.name}: ${value(way.before[index])} before` + (P.tuned ? `, ${value(way.after[index])} after` : ""));
      }
    }
    return parts.filter(Boolean);
  }
  function point(index, x, y) {
    hover = index;
    tip.hidden = index < 0;
    if (index >= 0) {
      tip.replaceChildren(element("b", P.words[index]), ...described(index).map((text) => element("div", text)));
      tip.style.left = clamp(x + 14, 4, Math.max(4, stage.clientWidth - tip.offsetWidth - 6)) + "px";
      tip.style.top = (y + 18 + tip.offsetHeight < stage.clientHeight ? y + 16 : Math.max(4, y - tip.offsetHeight - 12)) + "px";
    }
    ask();
  }
  function choose(rows, more) {
    chosen = more ? [...new Set([...chosen, ...rows])] : rows;
    if (!chosen.length) say.textContent = P.hint;
    else if (chosen.length === 1) {
      say.replaceChildren(element("b", P.words[chosen[0]]), ": " + described(chosen[0]).join("; "));
      if (data.link) {
        const link = element("a", "Its page");
        link.href = data.link.replace("WORD", encodeURIComponent(P.words[chosen[0]]));
        link.target = "_self";
        say.append(" ", link);
      }
    } else say.textContent = `${chosen.length.toLocaleString("en")} words chosen: ` +
      chosen.slice(0, 8).map((one) => P.words[one]).join(", ") + (chosen.length > 8 ? ", …" : "");
    ask();
    report();
  }
  // What is reported stands in the address: the picture at rest, never one of its movement, which ends with a report.
  function report() {
    clearTimeout(waiting);
    if (tell && !flying) waiting = setTimeout(() => {
      const seen = { colour, t: Math.round(100 * t), pair: asked ? pair : null, words: chosen.map((one) => P.words[one]),
        at: view.zoom === 1 ? "" : [view.x, view.y, view.zoom].map((one) => Number(one.toFixed(4))).join(",") };
      if (JSON.stringify(seen) === reported) return;
      reported = JSON.stringify(seen);
      tell("seen", seen);
    }, REPORT);
  }

  // Movements: of the dial, and of the view.
  function turn(value, quiet) {
    t = clamp(value, 0, 1);
    dial.value = Math.round(1000 * t);
    dial.setAttribute("aria-valuetext", `${Math.round(100 * t)} per cent of the way from before to after`);
    if (!quiet) report();
    ask();
  }
  function rest() {
    cancelAnimationFrame(flying);
    flying = 0;
  }
  function animate(milliseconds, step) {
    rest();
    clearTimeout(waiting);
    const began = performance.now();
    const next = (now) => {
      const share = clamp((now - began) / milliseconds, 0, 1);
      step(ease(share));
      flying = share < 1 && root.isConnected ? requestAnimationFrame(next) : 0;
      if (share === 1) report();
    };
    flying = requestAnimationFrame(next);
  }
  function fly(x, y, zoom) {
    const from = { ...view };
    animate(FLY, (share) => {
      view.zoom = from.zoom * (zoom / from.zoom) ** share;
      // along the way that keeps the goal in sight
      const way = zoom === from.zoom ? share : (1 / from.zoom - 1 / view.zoom) / (1 / from.zoom - 1 / zoom);
      view.x = from.x + way * (x - from.x);
      view.y = from.y + way * (y - from.y);
      if (share === 1) Object.assign(view, { x, y, zoom });
      ask();
    });
  }
  function zoomAt(factor, x, y) {
    rest();
    const box = boxAt(x, y), old = scale(), most = P.n > 20_000 ? 400 : 40;
    view.zoom = clamp(view.zoom * factor, 0.7, most);
    const s = scale(), dx = x - box.x - box.w / 2, dy = y - box.y - box.h / 2;
    view.x += dx / old - dx / s;
    view.y -= dy / old - dy / s;
    report();
    ask();
  }
  const zoomBy = (factor) => { const box = panels()[0]; zoomAt(factor, box.x + box.w / 2, box.y + box.h / 2); };
  function flyTo(index) {
    const at = 4 * index, u = pair ? 0.5 : t;
    choose([index]);
    fly((1 - u) * P.xy[at] + u * P.xy[at + 2], (1 - u) * P.xy[at + 1] + u * P.xy[at + 3], Math.max(view.zoom, P.n > 20_000 ? 24 : P.n > 600 ? 4 : 1.8));
  }
  function step(dx, dy) {  // to the nearest word in a direction
    const box = panels().at(-1), from = chosen.length === 1 ? placed(chosen[0], box) : [box.x + box.w / 2, box.y + box.h / 2];
    let [found, best] = [-1, Infinity];
    for (let index = 0; index < P.n; index++) {
      if (chosen.length === 1 && index === chosen[0]) continue;
      const [x, y] = placed(index, box), along = (x - from[0]) * dx + (y - from[1]) * dy;
      const aside = Math.abs((x - from[0]) * dy - (y - from[1]) * dx);
      if (along > 0 && along + 2 * aside < best) [found, best] = [index, along + 2 * aside];
    }
    if (found < 0) return;
    choose([found]);
    const [x, y] = placed(found, box);
    if (x < box.x || y < box.y || x > box.x + box.w || y > box.y + box.h) flyTo(found);
  }

  // Pointer, wheel, keys.
  const where = (event) => { const box = stage.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  stage.onpointerdown = (event) => {
    if (!P || event.button) return;
    stage.setPointerCapture(event.pointerId);
    const at = where(event);
    fingers.set(event.pointerId, { at, start: at, moved: false });
    if (fingers.size === 1 && (event.shiftKey || lasso.ariaPressed === "true")) ring = { points: [at], box: boxAt(...at) };
    if (fingers.size > 1) ring = null;
  };
  stage.onpointermove = (event) => {
    if (!P) return;
    const at = where(event), finger = fingers.get(event.pointerId);
    cursor = at;
    if (!finger) return point(nearest(...at, 14), ...at);
    const [dx, dy] = [at[0] - finger.at[0], at[1] - finger.at[1]];
    finger.moved ||= Math.hypot(at[0] - finger.start[0], at[1] - finger.start[1]) > 4;
    if (!finger.moved) return;
    point(-1);
    if (ring) ring.points.push(at);
    else if (fingers.size === 2) {
      const [one, other] = [...fingers.values()];
      const apart = () => Math.hypot(one.at[0] - other.at[0], one.at[1] - other.at[1]) || 1;
      const before = apart();
      finger.at = at;
      zoomAt(apart() / before, (one.at[0] + other.at[0]) / 2, (one.at[1] + other.at[1]) / 2);
    } else {
      rest();
      view.x -= dx / scale();
      view.y += dy / scale();
      report();
    }
    finger.at = at;
    ask();
  };
  stage.onpointerup = (event) => {
    const finger = fingers.get(event.pointerId);
    fingers.delete(event.pointerId);
    if (!finger || !P) return;
    if (ring) {
      if (ring.points.length > 3) choose(within(ring));
      else pick(finger.at, true);
      ring = null;
      pressed(lasso, false);
      stage.classList.remove("drawing");
      ask();
    } else if (!finger.moved) pick(finger.at, event.shiftKey);
  };
  stage.onpointercancel = (event) => { fingers.delete(event.pointerId); ring = null; ask(); };
  stage.onpointerleave = () => point(-1);
  stage.ondblclick = () => { if (chosen.length === 1 && data.link) say.querySelector("a")?.click(); };
  const pick = (at, more) => { const index = nearest(...at, 18); choose(index < 0 ? [] : [index], more); };
  function within({ points, box }) {
    const inside = [];
    for (let index = 0; index < P.n; index++) {
      const [x, y] = placed(index, box);
      let odd = false;
      for (let a = 0, b = points.length - 1; a < points.length; b = a++) {
        const [[ax, ay], [bx, by]] = [points[a], points[b]];
        if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
      }
      if (odd && P.look[4 * index + 3] > 0) inside.push(index);
    }
    return inside.slice(0, 2000);
  }
  stage.addEventListener("wheel", (event) => {
    if (!P || !(event.ctrlKey || document.activeElement === stage)) return;
    event.preventDefault();
    zoomAt(Math.exp(-clamp(event.deltaY, -120, 120) / 300), ...where(event));
  }, { passive: false });
  const keys = { ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0), ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1),
    "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), 0: () => fly(0.5, 0.5, 1),
    Escape: () => choose([]), Enter: () => say.querySelector("a")?.click() };
  stage.onkeydown = (event) => {
    if (!P || !keys[event.key] || event.altKey || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    keys[event.key]();
  };

  // The controls around the picture.
  const pressed = (button, on) => button.setAttribute("aria-pressed", String(on));
  const bare = (text) => text.trim().toLowerCase();
  dial.oninput = () => { rest(); turn(dial.value / 1000); };
  play.onclick = () => {
    const from = t > 0.99 ? 0 : t;
    animate(PLAY * (1 - from), (share) => turn(from + share * (1 - from), true));
  };
  both.onclick = () => { pair = !pair; asked = true; arrange(); report(); };
  lasso.onclick = () => { const on = lasso.ariaPressed !== "true"; pressed(lasso, on); stage.classList.toggle("drawing", on); };
  of("closer").onclick = () => zoomBy(1.6);
  of("farther").onclick = () => zoomBy(1 / 1.6);
  of("whole").onclick = () => fly(0.5, 0.5, 1);
  colourBox.onchange = () => { colour = colourBox.value; lit = ""; paint(); report(); };
  find.oninput = () => {
    const text = bare(find.value), found = [];
    if (P && text) {
      for (const test of [(word) => word.startsWith(text), (word) => word.includes(text)]) {
        for (let index = 0; index < P.n && found.length < 12; index++) {
          if (test(P.words[index]) && !found.includes(P.words[index])) found.push(P.words[index]);
        }
      }
    }
    offers.replaceChildren(...found.map((word) => { const one = element("option"); one.value = word; return one; }));
  };
  find.onchange = () => {
    if (!P || !bare(find.value)) return;
    const index = P.words.indexOf(bare(find.value)), other = P.words.findIndex((word) => word.startsWith(bare(find.value)));
    if (index >= 0) {
      flyTo(index);
      for (const part of [say, stage]) part.scrollIntoView({ block: "nearest" });
    } else say.textContent = `“${find.value.trim()}” is not on this map.` + (other >= 0 ? ` Did you mean “${P.words[other]}”?` : "");
  };
  of("png").onclick = () => {
    const sheet = element("canvas");
    [sheet.width, sheet.height] = [over.width, over.height];
    draw();  // what WebGL drew can be read in the same task alone
    for (const layer of [of("points"), over]) sheet.getContext("2d").drawImage(layer, 0, 0);
    const link = element("a");
    link.download = "map.png";
    link.href = sheet.toDataURL("image/png");
    link.click();
  };
  function arrange() {
    pressed(both, pair);
    stage.classList.toggle("pair", pair);
    labelled[0] = labelled[1] = [];
    fit();
  }

  function take(points) {
    const places = new Uint16Array(bytes(points.xy).buffer), xy = Float32Array.from(places, (one) => one / 65535);
    const n = xy.length / 4, ends = [];
    (points.parents ?? []).forEach((parent, index) => {
      if (parent >= 0) for (const end of [index, parent]) ends.push(...xy.subarray(4 * end, 4 * end + 4));
    });
    const colours = points.colours.map((way) => ({ ...way, ...(way.codes ? { codes: bytes(way.codes) } : { before: bytes(way.before), after: bytes(way.before) }) }));
    const far = Float32Array.from({ length: n }, (_, index) => Math.hypot(xy[4 * index + 2] - xy[4 * index], xy[4 * index + 3] - xy[4 * index + 1]));
    const most = Float32Array.from(far).sort()[Math.floor(0.99 * (n - 1))] || 1;
    const span = (axis) => {
      let [low, high] = [1, 0];
      for (let at = axis; at < xy.length; at += 2) [low, high] = [Math.min(low, xy[at]), Math.max(high, xy[at])];
      return Math.max(high - low, 0.05);
    };
    P = { n, xy, wide: span(0), tall: span(1), words: points.words.split("\n"), notes: points.notes?.split("\n"), tuned: points.tuned, colours,
      moved: Uint8Array.from(far, (one) => Math.min(254, Math.round((254 * one) / most))), hint: points.hint };
    painter ??= painterOn(of("points"));
    painter.points(xy, Float32Array.from(ends));
    root.dataset.renderer = painter.renderer();
    of("turn").hidden = both.hidden = !P.tuned;
    of("wait").hidden = true;
    for (const part of [of("picture"), stage]) part.setAttribute("aria-label", data.alt);
    of("picture").setAttribute("role", "figure");
  }
  function start(first) {
    colour = first.colour ?? (data.cosine ? `cosine to ${data.cosine.word}` : "");
    asked = typeof first.pair === "boolean";
    pair = P.tuned && (asked ? first.pair : stage.clientWidth >= 760);
    const at = (first.at ?? "").split(",").map(Number);
    [view.x, view.y, view.zoom] = at.length === 3 && at.every(Number.isFinite) ? [at[0], at[1], clamp(at[2], 0.7, 400)] : [0.5, 0.5, 1];
    const wanted = new Set(first.words ?? []);
    hover = -1;
    lit = "";
    labelled[0] = labelled[1] = [];
    arrange();
    turn(P.tuned ? (first.t ?? (pair ? 100 : 0)) / 100 : 0, true);
    choose(wanted.size ? P.words.flatMap((word, index) => (wanted.has(word) ? [index] : [])) : []);
    if (chosen.length === 1 && !first.at) flyTo(chosen[0]);
    clearTimeout(waiting);
  }
  function recolour() {
    P.scales = scales();
    colourBox.replaceChildren(...P.scales.map((way) => element("option", way.name)));
    paint();
  }
  async function show(given, setter) {
    const cosine = (one) => JSON.stringify(one?.cosine?.word ?? "");
    const fresh = shown !== given.id, other = cosine(given) !== cosine(data);
    data = given;
    tell = setter;
    if (fresh) {
      shown = given.id;
      const points = given.points ?? (await (await fetch(given.url)).json());
      if (shown !== given.id) return;
      take(points);
      P.scales = scales();
      start(given.start ?? {});
    } else if (!P) return;
    else if (other && data.cosine) colour = `cosine to ${data.cosine.word}`;
    if (fresh || other) recolour();
    root.dataset.ready = given.id;
    if (!fresh && other) report();
  }
  new ResizeObserver(() => (P ? fit() : ask())).observe(stage);

  // For a measurement: the frames a second that are drawn and finished while the dial turns once; of all points, or
  // of as many as this machine manages.
  function measure(frames = 60, all = false) {
    const old = t, began = performance.now();
    for (let one = 0, start = began; one < frames; one++) {
      turn(one / (frames - 1), true);
      since = start;
      start = performance.now();
      whole = false;
      draw(all ? undefined : start);
      painter.finish();
    }
    const rate = (1000 * frames) / (performance.now() - began);
    turn(old, true);
    return rate;
  }
  return { show, measure, look: () => ({ t, colour, pair, moving: flying !== 0, ...view, n: P?.n ?? 0, drawn: Math.min(P?.n ?? 0, Math.round(budget)), chosen: chosen.map((one) => P.words[one]), labels: labelled.flat().length }),
    placed: (word) => placed(P.words.indexOf(word), panels().at(-1)) };
}
