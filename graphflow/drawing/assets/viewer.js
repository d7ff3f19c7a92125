// The page on which a graph is explored: scopes fold and unfold, ELK lays out what is unfolded. No network is used.
// `graphflowView(key, packed)` fills the places with that data-drawing. `packed` is gzipped JSON in base64, made by
// interactive.py, which says what is in it.
(function () {
  "use strict";
  const LAYOUT = {
    "elk.algorithm": "layered", "elk.direction": "DOWN", "elk.hierarchyHandling": "INCLUDE_CHILDREN",
    "elk.edgeRouting": "ORTHOGONAL", "elk.layered.spacing.nodeNodeBetweenLayers": "30", "elk.spacing.nodeNode": "16",
    "elk.layered.spacing.edgeNodeBetweenLayers": "14", "elk.spacing.edgeNode": "12", "elk.spacing.edgeEdge": "7",
    "elk.layered.spacing.edgeEdgeBetweenLayers": "7", "elk.spacing.componentComponent": "24",
    "elk.json.edgeCoords": "ROOT", "elk.json.shapeCoords": "ROOT", "elk.padding": "[top=12,left=12,bottom=12,right=12]",
    "elk.spacing.edgeLabel": "1", "elk.layered.thoroughness": "5",
  };
  const INNER = { "elk.padding": "[top=26,left=12,bottom=12,right=12]" };
  const MOST_SHOWN = 200, FOUND = 30;
  const SMALL = new Set(["constant", "variable"]);

  const escaped = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const bytes = (packed) => Uint8Array.fromBase64?.(packed) ?? Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const unpacked = (packed) => new Response(
    new Blob([bytes(packed)]).stream().pipeThrough(new DecompressionStream("gzip")));

  let engine = null;
  function layoutEngine() {
    engine = engine || unpacked(window.graphflowEngine).text().then((source) => {
      const module = { exports: {} };
      new Function("module", "exports", source)(module, module.exports);
      return new module.exports();
    });
    return engine;
  }

  function bigrams(text) {
    const found = new Set();
    for (let i = 0; i + 1 < text.length; i++) found.add(text.slice(i, i + 2));
    return found;
  }

  class View {
    constructor(host, data) {
      this.data = data;
      this.nodes = data.nodes.map(([parent, kind, style, label, sub, heat, width, height, name, info]) =>
        ({ parent, kind, style, label, sub, heat, width, height, name, info, inside: [] }));
      this.nodes.forEach((node, i) => { if (i) this.nodes[node.parent].inside.push(i); });
      this.open = new Set(this.nodes.map((node, i) => i).filter((i) => this.nodes[i].kind === 2));
      this.first = new Set(this.open);
      this.scale = 1; this.x = 0; this.y = 0; this.runs = 0;
      this.build(host);
    }

    build(host) {
      host.innerHTML = `<div class="gf-bar"><input type="search" placeholder="Search ${this.data.count} operations"
        aria-label="Search operations"><button data-do="in" title="Zoom in">+</button><button data-do="out"
        title="Zoom out">&minus;</button><button data-do="fit">Fit</button><button data-do="all">Unfold all</button><button
        data-do="none">Fold all</button><button data-do="theme" title="Light or dark">&#9680;</button><span
        class="gf-note"></span></div><div class="gf-found" hidden></div><div class="gf-canvas"><svg class="gf-graph"
        role="group" aria-label="Graph of operations"><g></g></svg></div><div class="gf-card" hidden></div>`;
      this.host = host;
      const find = (selector) => host.querySelector(selector);
      [this.canvas, this.svg, this.layer, this.card, this.found, this.note, this.input] = [
        ".gf-canvas", "svg", "svg>g", ".gf-card", ".gf-found", ".gf-note", "input"].map(find);
      this.theme();
      host.querySelectorAll("button").forEach((b) => b.addEventListener("click", () => this.press(b.dataset.do)));
      this.input.addEventListener("input", () => this.search());
      this.input.addEventListener("keydown", (e) => {
        if (e.key === "Enter" && this.found.firstElementChild) this.found.querySelector("[data-i]")?.click();
        if (e.key === "Escape") { this.input.value = ""; this.search(); }
      });
      this.found.addEventListener("click", (e) => {
        const item = e.target.closest("[data-i]");
        if (item) { this.found.hidden = true; this.reveal(+item.dataset.i); }
      });
      this.follow();
    }

    theme() { // what the page around says, else the system
      const body = document.body, said = body.dataset.jpThemeLight;
      const dark = said ? said === "false" : body.classList.contains("vscode-dark")
        || (!body.classList.contains("vscode-light") && matchMedia("(prefers-color-scheme:dark)").matches);
      this.host.dataset.theme = dark ? "dark" : "light";
    }

    press(what) {
      const middle = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2];
      if (what === "in") this.zoom(1.25, ...middle);
      else if (what === "out") this.zoom(0.8, ...middle);
      else if (what === "fit") this.fit();
      else if (what === "theme") this.host.dataset.theme = this.host.dataset.theme === "dark" ? "light" : "dark";
      else { this.open = what === "all" ? this.widest() : new Set(); this.show().then(() => this.fit()); }
    }

    widest() { // scopes level by level, as long as no more than MOST_SHOWN boxes show
      const open = new Set();
      let shown = this.nodes[0].inside.length;
      for (let level = this.nodes[0].inside; level.length;) {
        const next = [];
        for (const i of level.filter((j) => this.nodes[j].kind)) {
          if (shown + this.nodes[i].inside.length > MOST_SHOWN) continue;
          shown += this.nodes[i].inside.length;
          open.add(i);
          next.push(...this.nodes[i].inside);
        }
        level = next;
      }
      return open;
    }

    follow() { // the pointer
      let from = null, moved = false;
      this.canvas.addEventListener("pointerdown", (e) => { from = [e.clientX, e.clientY]; moved = false; });
      addEventListener("pointerup", () => { from = null; });
      this.canvas.addEventListener("pointermove", (e) => {
        if (from) {
          const [dx, dy] = [e.clientX - from[0], e.clientY - from[1]];
          if (!moved && Math.hypot(dx, dy) < 4) return;
          moved = true;
          this.card.hidden = true;
          this.canvas.setPointerCapture(e.pointerId);
          this.x += dx; this.y += dy; from = [e.clientX, e.clientY];
          this.place();
        } else this.point(e);
      });
      this.canvas.addEventListener("pointerleave", () => this.point(null));
      this.canvas.addEventListener("click", (e) => {
        const box = e.target.closest("[data-i]");
        if (box && !moved) this.toggle(+box.dataset.i);
      });
      this.canvas.addEventListener("keydown", (e) => {
        const box = e.target.closest("[data-i]");
        if (box && (e.key === "Enter" || e.key === " ")) { e.preventDefault(); this.toggle(+box.dataset.i); }
      });
      this.canvas.addEventListener("wheel", (e) => {
        if (!e.ctrlKey && !e.metaKey && !this.host.classList.contains("gf-page")) {
          this.say("Ctrl + wheel zooms");
          return;
        }
        e.preventDefault();
        const { left, top } = this.canvas.getBoundingClientRect();
        this.zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0015)), e.clientX - left, e.clientY - top);
      }, { passive: false });
    }

    point(e) { // what the pointer is on: its card, and its edges in bold
      const box = e && e.target.closest("[data-i],[data-s]");
      if (box === this.at) { if (box) this.moveCard(e); return; }
      this.at = box;
      this.layer.querySelectorAll(".hot").forEach((line) => line.classList.remove("hot"));
      this.card.hidden = !box;
      if (!box) return;
      if (box.dataset.s) {
        box.classList.add("hot");
        const name = (i) => this.nodes[i].name || this.nodes[i].label;
        this.card.innerHTML = `<b>${escaped(name(box.dataset.s))} &rarr; ${escaped(name(box.dataset.t))}</b>`
          + `<pre>${escaped(box.dataset.k || "runs before")}</pre>`;
      } else {
        const i = box.dataset.i, { info, label, style } = this.nodes[i];
        this.layer.querySelectorAll(`[data-s="${i}"],[data-t="${i}"]`).forEach((line) => line.classList.add("hot"));
        const [title, ...lines] = info.split("\n"), doc = this.data.docs[title.split("  ")[0]];
        this.card.innerHTML = `<b>${escaped(title)}</b><pre>${escaped(lines.join("\n"))}</pre>`
          + (doc && label && style !== "folded" ? `<p>${escaped(doc)}</p>` : "");
      }
      this.moveCard(e);
    }

    moveCard(e) {
      const around = this.host.getBoundingClientRect(), { offsetWidth, offsetHeight } = this.card;
      const x = e.clientX - around.left + 14, y = e.clientY - around.top + 14;
      this.card.style.left = `${Math.max(4, Math.min(x, around.width - offsetWidth - 8))}px`;
      this.card.style.top = `${y + offsetHeight > around.height ? Math.max(4, y - offsetHeight - 28) : y}px`;
    }

    say(text) {
      this.note.textContent = text;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => { this.note.textContent = ""; }, 4000);
    }

    search() {
      const wanted = this.input.value.trim().toLowerCase();
      this.found.hidden = !wanted;
      if (!wanted) return;
      const hits = [];
      const matches = (node) => node.name.toLowerCase().includes(wanted) || node.label.toLowerCase().includes(wanted);
      for (let i = 1; i < this.nodes.length && hits.length < FOUND; i++) if (matches(this.nodes[i])) hits.push(i);
      const list = (found) => found.map((i) => `<button data-i="${i}">${escaped(this.nodes[i].name)}
        <small>${escaped(this.nodes[i].kind ? this.nodes[i].sub : this.nodes[i].label)}</small></button>`).join("");
      this.found.innerHTML = hits.length ? list(hits) : `<span>No name holds this. Nearest:</span>${list(this.nearest(wanted))}`;
    }

    nearest(wanted) { // by the pairs of letters that they share
      const ours = bigrams(wanted);
      const score = (i) => {
        const theirs = bigrams(this.nodes[i].name.toLowerCase());
        let shared = 0;
        for (const pair of ours) shared += theirs.has(pair);
        return 2 * shared / (ours.size + theirs.size || 1);
      };
      return this.nodes.map((_, i) => [i && score(i), i]).filter(([s]) => s > 0).sort((a, b) => b[0] - a[0])
        .slice(0, 5).map(([, i]) => i);
    }

    async reveal(i) {
      for (let p = this.nodes[i].parent; p > 0; p = this.nodes[p].parent) this.open.add(p);
      await this.show();
      const box = this.boxes.get(i);
      this.scale = Math.max(this.scale, 0.8);
      this.x = this.canvas.clientWidth / 2 - (box.x + box.width / 2) * this.scale;
      this.y = this.canvas.clientHeight / 2 - (box.y + Math.min(box.height / 2, 60)) * this.scale;
      this.place();
      this.layer.querySelector(`[data-i="${i}"]`).classList.add("gf-hit");
    }

    async toggle(i) {
      if (!this.nodes[i].kind) return;
      const before = this.boxes.get(i);
      if (!this.open.delete(i)) this.open.add(i);
      await this.show();
      const after = this.boxes.get(i); // stays where it was clicked
      this.x += (before.x + before.width / 2 - after.x - after.width / 2) * this.scale;
      this.y += (before.y - after.y) * this.scale;
      this.place();
    }

    shownAs() { // of each node the box that shows it: itself, or the outermost closed scope around it
      const shown = new Int32Array(this.nodes.length);
      for (let i = 1; i < shown.length; i++) {
        const p = this.nodes[i].parent;
        shown[i] = p === 0 || (shown[p] === p && this.open.has(p)) ? i : shown[p];
      }
      return shown;
    }

    edges(shown) { // one for each pair of boxes, with the tensors that it stands for
      const pairs = new Map();
      const at = (s, t) => {
        const key = s * this.nodes.length + t;
        if (!pairs.has(key)) pairs.set(key, { s, t, tensors: new Map() });
        return pairs.get(key);
      };
      for (const [source, output, target, type] of this.data.edges) {
        const s = shown[source], t = shown[target];
        if (s !== t) at(s, t).tensors.set(source * 1024 + output, type);
      }
      for (const [source, target] of this.data.control) if (shown[source] !== shown[target]) at(shown[source], shown[target]);
      return [...pairs.values()];
    }

    async show() {
      const run = ++this.runs, shown = this.shownAs(), edges = this.edges(shown);
      const boxes = (i) => this.nodes[i].inside.map((c) => {
        const { kind, width, height } = this.nodes[c];
        return kind && this.open.has(c) ? { id: `${c}`, children: boxes(c), layoutOptions: INNER } : { id: `${c}`, width, height };
      });
      const labelled = new Set();
      const said = setTimeout(() => this.say("laying out\u2026"), 300);
      const graph = await (await layoutEngine()).layout({
        id: "root", layoutOptions: LAYOUT, children: boxes(0),
        edges: edges.map((e, i) => ({ id: `e${i}`, sources: [`${e.s}`], targets: [`${e.t}`], labels: this.labels(e, labelled) })),
      });
      clearTimeout(said);
      if (run !== this.runs) return;
      this.note.textContent = "";
      this.boxes = new Map();
      const routes = [], frames = [], titles = [], nodes = [];
      const visit = (box) => {
        (box.edges || []).forEach((e) => { routes[+e.id.slice(1)] = e; });
        for (const child of box.children || []) {
          this.boxes.set(+child.id, child);
          if (child.children) { frames.push(this.frame(child)); titles.push(this.title(child)); } else nodes.push(this.box(child));
          visit(child);
        }
      };
      visit(graph);
      this.width = graph.width; this.height = graph.height;
      this.layer.innerHTML = frames.join("") + edges.map((e, i) => this.line(e, routes[i] || {})).join("")
        + titles.join("") + nodes.join("");
      this.at = null;
      this.card.hidden = true;
    }

    style(node) { return node.heat < 0 ? node.style : `heat${Math.min(9, Math.floor(node.heat * 10))}`; }

    frameStyle(node) { return node.style === "folded" ? "scope" : node.style; }

    frame({ id, x, y, width, height }) {
      const node = this.nodes[+id];
      return `<g class="${this.frameStyle(node)} gf-fold" data-i="${id}" tabindex="0" role="button" aria-label="Fold ${escaped(node.label)}">`
        + `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/></g>`;
    }

    title({ id, x, y }) { // above the edges
      const node = this.nodes[+id];
      return `<text class="h ${this.frameStyle(node)}" x="${x + 8}" y="${y + 14}">&#8722; ${escaped(node.label)}</text>`;
    }

    box({ id, x, y, width, height }) {
      const node = this.nodes[+id], small = SMALL.has(node.style), middle = x + width / 2, centre = y + height / 2;
      const label = escaped(node.kind ? `+ ${node.label}` : node.label), sub = escaped(node.sub);
      const text = small ? `<text class="n" x="${middle}" y="${centre + 3}">${label} ${sub}</text>`
        : !sub ? `<text class="t" x="${middle}" y="${centre + 4}">${label}</text>`
          : `<text class="t" x="${middle}" y="${centre - 2}">${label}</text><text class="n" x="${middle}" y="${centre + 10}">${sub}</text>`;
      const fold = node.kind ? ` gf-fold" tabindex="0" role="button" aria-label="Unfold ${escaped(node.label)}` : "";
      const style = node.kind && node.heat < 0 ? "folded" : this.style(node);
      return `<g class="${style}${fold}" data-i="${id}"><rect x="${x}" y="${y}" width="${width}" height="${height}"`
        + ` rx="${small ? height / 2 : 4}"/>${text}</g>`;
    }

    labels({ s, tensors }, labelled) { // what an edge carries, said once for each box and text
      const types = [...tensors.values()];
      const text = types.length > 1 ? `${types.length} tensors` : types.length ? this.data.types[types[0]] : "";
      if (!text || labelled.has(`${s} ${text}`)) return [];
      labelled.add(`${s} ${text}`);
      return [{ text, width: text.length * 4.3 + 6, height: 11, layoutOptions: { "elk.edgeLabels.placement": "TAIL" } }];
    }

    line({ s, t, tensors }, { sections = [], labels = [] }) {
      const types = [...tensors.values()], tips = types.map((k) => this.data.types[k]).filter(Boolean).slice(0, 12).join("\n");
      const width = 1 + Math.min(3, Math.log2(Math.max(types.length, 1)) / 2);
      const texts = labels.map(({ text, x, y }) => `<text class="e" x="${x + 3}" y="${y + 8.5}">${escaped(text)}</text>`);
      return sections.map(({ startPoint, bendPoints = [], endPoint }) => {
        const path = rounded([startPoint, ...bendPoints, endPoint]);
        return `<g data-s="${s}" data-t="${t}" data-k="${escaped(tips)}" class="gf-edge"><path class="gf-near" d="${path}"/>`
          + `<path class="${types.length ? "wire" : "control"}" style="stroke-width:${width}" d="${path}"/>`
          + `<path class="arrow" d="M${endPoint.x} ${endPoint.y}l-3.5 -6h7z"/></g>`;
      }).join("") + texts.join("");
    }

    zoom(factor, x, y) {
      const scale = Math.min(4, Math.max(0.02, this.scale * factor));
      this.x = x - (x - this.x) * scale / this.scale;
      this.y = y - (y - this.y) * scale / this.scale;
      this.scale = scale;
      this.place();
    }

    fit() {
      const { clientWidth, clientHeight } = this.canvas;
      this.scale = Math.min(1.4, Math.max(0.02, Math.min(clientWidth / this.width, clientHeight / this.height)));
      this.x = (clientWidth - this.width * this.scale) / 2;
      this.y = Math.max(0, (clientHeight - this.height * this.scale) / 2);
      this.place();
    }

    begin() { // the first look: all of a small graph, the top of a large one at a size that can be read
      this.fit();
      if (this.scale >= 0.9) return;
      this.scale = 0.9;
      const { clientWidth, clientHeight } = this.canvas;
      const seen = [...this.boxes.values()].filter((box) => !box.children && box.y * this.scale < clientHeight)
        .map((box) => box.x + box.width / 2).sort((a, b) => a - b);
      const middle = this.width * this.scale < clientWidth ? this.width / 2 : seen[seen.length >> 1];
      this.x = clientWidth / 2 - middle * this.scale;
      this.y = 0;
      this.place();
    }

    place() { this.layer.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.scale})`); }
  }

  function rounded(points) { // a line with its corners rounded
    let path = `M${points[0].x} ${points[0].y}`;
    for (let i = 1; i + 1 < points.length; i++) {
      const [a, b, c] = points.slice(i - 1, i + 2);
      const before = Math.hypot(a.x - b.x, a.y - b.y), after = Math.hypot(c.x - b.x, c.y - b.y);
      const r = Math.min(6, before / 2, after / 2);
      const to = (p, distance) => [b.x + (p.x - b.x) * r / (distance || 1), b.y + (p.y - b.y) * r / (distance || 1)];
      path += `L${to(a, before).join(" ")}Q${b.x} ${b.y} ${to(c, after).join(" ")}`;
    }
    const last = points[points.length - 1];
    return `${path}L${last.x} ${last.y}`;
  }

  async function start(host, packed) { // when it is first seen
    try {
      const data = await unpacked(packed).json();
      await layoutEngine(); // before the picture goes
      const view = new View(host, data);
      await view.show();
      view.begin();
      host.dataset.ready = Math.round(performance.now()); // milliseconds since the page began to load
    } catch (error) { // the picture stays
      console.error("graphflow: no interactive drawing:", error);
    }
  }

  const data = new Map(); // of the places that nobody has seen yet
  const seen = new IntersectionObserver((entries) => entries.filter((e) => e.isIntersecting).forEach(({ target }) => {
    seen.unobserve(target);
    start(target, data.get(target));
    data.delete(target);
  }));

  window.graphflowView = function (key, packed) {
    for (const host of document.querySelectorAll(`[data-drawing="${key}"]:not([data-started])`)) {
      host.dataset.started = "true";
      data.set(host, packed);
      seen.observe(host);
    }
  };
  (window.graphflowWaiting || []).splice(0).forEach((waiting) => window.graphflowView(...waiting));
})();
