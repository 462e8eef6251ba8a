// How the points of a map get onto a canvas: by WebGL, which moves and colours them itself, else by the plain canvas.
// Both painters take the same calls. This file is read before map.js, as one script with it.
const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "triangle-down", "pentagon", "hexagon", "star"];
const GLYPHS = "●◆■▲▼⬟⬢★";
const RAMP = [[205, 205, 205], [132, 178, 216], [30, 110, 178], [10, 55, 110], [2, 12, 45]];
const [GREY, INK] = ["#c4c4c4", "#1f1f1f"];
const [PLAY, FLY, REPORT] = [2600, 900, 450];  // milliseconds
const STACKED = 640;  // pixels of width below which two pictures stand on top of each other
const CANDIDATES = 6000;  // words that are tried as labels in one picture

const VERTEX = `attribute vec4 place; attribute vec4 look; uniform float t, scale, size; uniform vec2 centre, room;
  varying float value, kind; varying vec4 plain;
  void main() { vec2 at = (mix(place.xy, place.zw, t) - centre) * scale / room;
    gl_Position = vec4(at, look.w < 0.0 ? 0.5 : 0.0, 1.0); gl_PointSize = look.w < 0.0 ? size * 0.75 : size;
    value = look.x < 0.0 ? -1.0 : mix(look.x, look.y, t); kind = look.z; plain = vec4(look.w); }`;
const FRAGMENT = `precision highp float; varying float value, kind; varying vec4 plain; uniform sampler2D palette;
  uniform float size, alpha;
  float star(vec2 p, float n, float r) { float a = atan(p.x, -p.y), s = 3.14159 / n;
    return length(p) * cos(mod(a + s, 2.0 * s) - s) / (cos(s) * r); }
  void main() { vec2 p = gl_PointCoord * 2.0 - 1.0; float d = length(p);
    if (size > 5.0) {
      if (kind > 6.5) { float a = abs(mod(atan(p.x, -p.y) + 0.6283, 1.2566) - 0.6283); d = length(p) * (1.0 + 1.25 * a); }
      else if (kind > 5.5) d = star(p, 6.0, 1.0);
      else if (kind > 4.5) d = star(p, 5.0, 1.0);
      else if (kind > 3.5) d = max(abs(p.x) * 1.1 + p.y * 0.55 + 0.35, -p.y * 1.25);
      else if (kind > 2.5) d = max(abs(p.x) * 1.1 - p.y * 0.55 + 0.35, p.y * 1.25);
      else if (kind > 1.5) d = max(abs(p.x), abs(p.y)) * 1.2;
      else if (kind > 0.5) d = abs(p.x) + abs(p.y); }
    float edge = 2.0 / size, inside = 1.0 - smoothstep(1.0 - edge, 1.0, d);
    if (inside < 0.05) discard;
    vec3 colour = (value < 0.0 || plain.x < 0.0) ? vec3(0.77) : texture2D(palette, vec2(value, 0.5)).rgb;
    if (size > 7.0) colour = mix(colour, vec3(1.0), smoothstep(1.0 - 2.6 * edge, 1.0 - 1.4 * edge, d));
    gl_FragColor = vec4(colour, inside * alpha); }`;
const LINES = `attribute vec4 place; uniform float t, scale; uniform vec2 centre, room;
  void main() { gl_Position = vec4((mix(place.xy, place.zw, t) - centre) * scale / room, 0.9, 1.0); }`;
const LINE = "precision mediump float; void main() { gl_FragColor = vec4(0.81, 0.81, 0.81, 1.0); }";

const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const ease = (x) => (x < 0.5 ? 2 * x * x : 1 - 2 * (1 - x) * (1 - x));
const ramp = (x) => {
  const at = clamp(x, 0, 1) * (RAMP.length - 1), low = Math.min(Math.floor(at), RAMP.length - 2);
  return RAMP[low].map((one, channel) => Math.round(one + (at - low) * (RAMP[low + 1][channel] - one)));
};
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// How points get onto a canvas: by WebGL, else by the plain canvas. Both take the same calls.
function glPainter(canvas) {
  const gl = canvas.getContext("webgl", { antialias: false, alpha: false });
  if (!gl) return null;
  const program = (vertex, fragment) => {
    const made = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(made, shader);
    }
    gl.linkProgram(made);
    if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
    const uniform = {};
    for (const name of ["t", "scale", "size", "centre", "room", "palette", "alpha"]) {
      uniform[name] = gl.getUniformLocation(made, name);
    }
    return { made, uniform, place: gl.getAttribLocation(made, "place"), look: gl.getAttribLocation(made, "look") };
  };
  const [dots, lines] = [program(VERTEX, FRAGMENT), program(LINES, LINE)];
  const [places, looks, ends, texture] = [gl.createBuffer(), gl.createBuffer(), gl.createBuffer(), gl.createTexture()];
  const fill = (buffer, values) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  };
  let [count, edges] = [0, 0];
  const use = (one, buffer, attribute) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(attribute);
    gl.vertexAttribPointer(attribute, 4, gl.FLOAT, false, 0, 0);
  };
  return {
    renderer: () => {
      const known = gl.getExtension("WEBGL_debug_renderer_info");
      return "WebGL, " + gl.getParameter(known ? known.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
    },
    points(xy, lineEnds) { count = xy.length / 4; edges = lineEnds.length / 4; fill(places, xy); fill(ends, lineEnds); },
    colours(palette, look) {
      fill(looks, look);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette);
      for (const [name, value] of [["MIN_FILTER", gl.NEAREST], ["MAG_FILTER", gl.NEAREST], ["WRAP_S", gl.CLAMP_TO_EDGE],
        ["WRAP_T", gl.CLAMP_TO_EDGE]]) gl.texParameteri(gl.TEXTURE_2D, gl["TEXTURE_" + name], value);
    },
    begin() {
      gl.disable(gl.SCISSOR_TEST);
      gl.clearColor(1, 1, 1, 1);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    },
    panel(box, view, ratio, size, limit) {
      const [x, y, w, h] = [box.x, canvas.height / ratio - box.y - box.h, box.w, box.h].map((one) => one * ratio);
      gl.viewport(x, y, w, h);
      gl.enable(gl.SCISSOR_TEST);
      gl.scissor(x, y, w, h);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
      gl.enable(gl.DEPTH_TEST);
      gl.depthFunc(gl.LEQUAL);
      for (const [one, buffer, mode, number] of [[lines, ends, gl.LINES, edges], [dots, places, gl.POINTS, Math.min(count, limit)]]) {
        if (!number) continue;
        gl.useProgram(one.made);
        use(one, buffer, one.place);
        if (one === dots) use(one, looks, one.look);
        gl.uniform1f(one.uniform.t, box.t);
        gl.uniform1f(one.uniform.scale, view.scale * ratio);
        gl.uniform2f(one.uniform.centre, view.x, view.y);
        gl.uniform2f(one.uniform.room, w / 2, h / 2);
        if (one === dots) {
          gl.uniform1f(one.uniform.size, size * ratio);
          gl.uniform1f(one.uniform.alpha, count > 20_000 ? 0.75 : 1);
        }
        gl.drawArrays(mode, 0, number);
      }
    },
    finish() { gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); },
  };
}

function plainPainter(canvas) {
  const pen = canvas.getContext("2d");
  let [xy, ends, palette, look] = [new Float32Array(), new Float32Array(), null, null];
  return {
    renderer: () => "plain canvas",
    points(places, lineEnds) { xy = places; ends = lineEnds; },
    colours(colours, looks) { palette = colours; look = looks; },
    begin() {
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
    },
    panel(box, view, ratio, size, limit) {
      const { t } = box, far = 1 - t;
      const x = (at) => box.x + box.w / 2 + (far * xy[at] + t * xy[at + 2] - view.x) * view.scale;
      const y = (at) => box.y + box.h / 2 - (far * xy[at + 1] + t * xy[at + 3] - view.y) * view.scale;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.save();
      pen.beginPath();
      pen.rect(box.x, box.y, box.w, box.h);
      pen.clip();
      pen.beginPath();
      for (let at = 0; at < ends.length; at += 4) {
        const end = [far * ends[at] + t * ends[at + 2], far * ends[at + 1] + t * ends[at + 3]];
        pen[at % 8 ? "lineTo" : "moveTo"](
          box.x + box.w / 2 + (end[0] - view.x) * view.scale, box.y + box.h / 2 - (end[1] - view.y) * view.scale);
      }
      pen.strokeStyle = "#cfcfcf";
      pen.stroke();
      const filled = new Map();  // colour and symbol -> points, so that the pen changes rarely; grey ones first
      for (let at = 0; at < Math.min(look.length, 4 * limit); at += 4) {
        const grey = look[at] < 0 || look[at + 3] < 0;
        const value = Math.floor((far * look[at] + t * look[at + 1]) * 256);
        const key = grey ? look[at + 2] - 8 : value * 8 + look[at + 2];
        if (!filled.has(key)) filled.set(key, []);
        filled.get(key).push(at);
      }
      for (const key of [...filled.keys()].sort((a, b) => a - b)) {
        const value = 4 * Math.floor(key / 8);
        pen.fillStyle = key < 0 ? GREY : `rgb(${palette.subarray(value, value + 3).join(",")})`;
        if (size > 5) {
          pen.font = `${1.7 * size}px system-ui, sans-serif`;
          pen.textAlign = "center";
          pen.textBaseline = "middle";
          for (const at of filled.get(key)) pen.fillText(GLYPHS[(key + 8) % 8], x(at), y(at));
        } else for (const at of filled.get(key)) pen.fillRect(x(at) - size / 2, y(at) - size / 2, size, size);
      }
      pen.restore();
    },
    finish() {},
  };
}

function painterOn(canvas) {
  try {
    const painter = glPainter(canvas);
    if (painter) return painter;
  } catch (error) {
    console.warn("WebGL cannot draw the map", error);
  }
  const plain = canvas.cloneNode();  // a canvas that was asked for WebGL gives no other pen
  canvas.replaceWith(plain);
  return plainPainter(plain);
}
