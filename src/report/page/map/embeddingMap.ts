import type { RxnasError } from '../../../core/errors.js';
import type { Space } from '../../../core/space/space.js';
import type { MapModel } from '../../model.js';
import { h } from '../dom.js';
import { format } from '../format.js';
import { currentTheme } from '../theme.js';
import { type ColourChoice, colourChoices } from './colourings.js';
import { type Colouring, cssColour, cssRest, type Palette, palette } from './colours.js';
import { Distances } from './distances.js';
import { type MapData, unpackMap } from './mapData.js';
import { Motion, type Places } from './motion.js';
import type { Neighbour } from './neighbours.js';
import { Raster, type View } from './raster.js';
import { describeCell, inWords, neighboursOf } from './selection.js';

/** Span of a layout's places. */
const span = 65_535;
/** How far a click may be from a point, in pixels of the page. */
const reach = 14;
const zoomStep = 1.5;
const mostZoom = 400;
/** Cells so near to the selected one are drawn larger where colours are distances. */
const emphasised = 3;

/** Embeddings to pan, zoom, colour and select. `element` is filled when the first map was unpacked. */
export class EmbeddingMap {
  readonly element = h('div', { class: 'map' }, h('p', { class: 'muted' }, 'Unpacking the map …'));
  readonly #script: string;
  readonly #canvas = h('canvas', {
    tabindex: 0,
    role: 'application',
    'aria-roledescription': 'map',
    'aria-describedby': 'map-help',
  });
  readonly #context = this.#canvas.getContext('2d')!;
  readonly #source = h('p', { class: 'muted' });
  readonly #colourBy = h('select', { id: 'map-colour' });
  readonly #layoutBy = h('select', { id: 'map-layout' });
  readonly #layoutField = h('label', { for: 'map-layout' }, 'Layout ', this.#layoutBy);
  readonly #find = h('input', {
    id: 'map-find',
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'number, hash or text',
  });
  readonly #fault = h('p', { class: 'warning', role: 'alert', hidden: true });
  readonly #legend = h('div', { class: 'colours' });
  readonly #reading = h('p', { class: 'reading' });
  readonly #progress = h('p', { class: 'muted progress' });
  readonly #panel = h('aside', { class: 'selection', 'aria-label': 'Selected cell' });
  readonly #spoken = h('p', { class: 'unseen', 'aria-live': 'polite' });
  readonly #raster = new Raster();
  #image: ImageData | undefined;
  #ratio = 1;
  #view: View = { scale: 1, x: 0, y: 0 };
  #moved = false;
  #scheduled = false;
  #shown = false;
  #data: MapData | undefined;
  /** While cells move to where a newer map has them. */
  #motion: Motion | undefined;
  #layout = 0;
  #choices: ColourChoice[] = [];
  #colouring: Colouring | undefined;
  #palette: Palette | undefined;
  #distances: Distances | undefined;
  #selected: number | undefined;
  #searches = 0;
  #neighbours: Neighbour[] = [];

  /** @param script text of the page's script, for the worker */
  constructor(script: string) {
    this.#script = script;
    this.#listen();
    new ResizeObserver(() => this.#resize()).observe(this.#canvas);
    addEventListener('themechange', () => this.#recolour());
  }

  /** Shows a map; of the same cells as before, view and selection stay, and the cells move to their new places. */
  async show(model: MapModel): Promise<void> {
    const data = await unpackMap(model);
    const before = this.#data?.cells;
    const same =
      before?.length === data.cells.length && before.every((cell, row) => cell === data.cells[row]);
    const moving = this.#motion !== undefined;
    const moves = same && !matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#motion = moves
      ? new Motion(this.#places, data.layouts[this.#layout]!, performance.now())
      : undefined;
    this.#data = data;
    if (!same) {
      this.#distances?.close();
      this.#distances =
        data.space &&
        new Distances(this.#script, model.space, data.cells, (known) => this.#onDistances(known));
      this.#selected = undefined;
      this.#neighbours = [];
      this.#moved = false;
    }
    this.#choices = colourChoices(data);
    this.#canvas.setAttribute(
      'aria-label',
      `Map of ${format(model.rows, 'count')} cells by their embeddings`,
    );
    fillSelect(
      this.#colourBy,
      this.#choices.map(({ id, label }) => [id, label]),
    );
    fillSelect(
      this.#layoutBy,
      data.layouts.map(({ name }, i) => [String(i), name]),
    );
    this.#layout = Number(this.#layoutBy.value);
    this.#caption();
    this.#layoutField.hidden = data.layouts.length < 2;
    if (!this.#canvas.isConnected) this.#build();
    this.#recolour();
    this.#select(this.#selected);
    this.#resize();
    if (this.#motion && !moving) requestAnimationFrame((time) => this.#move(time));
  }

  #move(time: number): void {
    if (!this.#motion?.moveTo(time)) this.#motion = undefined;
    else requestAnimationFrame((next) => this.#move(next));
    if (this.#moved) this.#draw();
    else this.#showAll();
  }

  /** Where the cells are drawn. */
  get #places(): Places {
    return this.#motion ?? this.#data!.layouts[this.#layout]!;
  }

  #build(): void {
    const button = (label: string, text: string, click: () => void) =>
      h('button', { type: 'button', 'aria-label': label, title: label, click }, text);
    const help = h(
      'p',
      { class: 'muted help', id: 'map-help' },
      'Drag to pan, click to select, double-click to zoom; after a click the wheel zooms too. Keys: arrows pan, + and − zoom, 0 shows all, Enter selects the cell nearest to the centre, Escape clears.',
    );
    this.element.replaceChildren(
      this.#source,
      h(
        'div',
        { class: 'tools' },
        h('label', { for: 'map-colour' }, 'Colour by ', this.#colourBy),
        this.#layoutField,
        h(
          'form',
          {
            submit: (event: Event) => {
              event.preventDefault();
              this.#search(this.#find.value);
            },
          },
          h('label', { for: 'map-find' }, 'Find ', this.#find),
        ),
        h(
          'span',
          { class: 'zoom', role: 'group', 'aria-label': 'View' },
          button('Zoom in', '+', () => this.#zoom(zoomStep)),
          button('Zoom out', '−', () => this.#zoom(1 / zoomStep)),
          button('Show all', 'All', () => this.#showAll()),
        ),
      ),
      this.#fault,
      h(
        'div',
        { class: 'stage' },
        h('div', { class: 'picture' }, this.#canvas, this.#reading, this.#legend, this.#progress, help),
        this.#panel,
      ),
      this.#spoken,
    );
  }

  /** The newest colouring of the chosen kind. */
  #recolour(): void {
    const choice = this.#choices.find(({ id }) => id === this.#colourBy.value);
    if (!choice || !this.#data) return;
    this.#colouring = choice.make(this.#selected === undefined ? undefined : this.#distances?.values);
    const { legend } = this.#colouring;
    const theme = currentTheme();
    this.#palette = palette(theme, legend);
    const stops = legend.bar
      ? Array.from({ length: 9 }, (_, i) =>
          cssColour(theme, legend, legend.reversed ? 254 - (254 * i) / 8 : (254 * i) / 8),
        )
      : [];
    const swatch = (colour: string, label: string) =>
      h('li', {}, h('i', { style: `background:${colour}` }), label);
    this.#legend.replaceChildren(
      h('b', {}, legend.title),
      legend.bar
        ? h(
            'span',
            { class: 'bar' },
            h('i', { style: `background:linear-gradient(to right, ${stops.join(', ')})` }),
            h('span', {}, ...legend.marks.map(({ label }) => h('span', {}, label))),
          )
        : h('ul', {}, ...legend.marks.map(({ at, label }) => swatch(cssColour(theme, legend, at), label))),
      (legend.rest && h('ul', {}, swatch(cssRest(theme), legend.rest))) || '',
      h('span', { class: 'muted' }, legend.note ?? ''),
    );
    if (choice.id === 'distance' && this.#selected === undefined) {
      this.#legend.append(h('span', { class: 'warning' }, 'Select a cell first.'));
    }
    this.#draw();
  }

  #onDistances(known: number): void {
    const all = this.#data!.model.rows;
    this.#progress.textContent =
      known < all ? `Edit distances are computed: ${format((100 * known) / all, 'count')} %` : '';
    if (this.#colourBy.value === 'distance') this.#recolour();
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (width === 0 || height === 0) return;
    this.#ratio = Math.min(2, devicePixelRatio);
    const [w, x] = [Math.round(width * this.#ratio), Math.round(height * this.#ratio)];
    if (w !== this.#canvas.width || x !== this.#canvas.height) {
      this.#canvas.width = w;
      this.#canvas.height = x;
      this.#image = undefined;
    }
    if (this.#moved) this.#draw();
    else this.#showAll();
  }

  /** What is shown, and where the cells lie. */
  #caption(): void {
    const { model, layouts } = this.#data!;
    const { name, note } = layouts[this.#layout]!;
    this.#source.textContent = `${model.source}. Placed by ${name}: ${note}.`;
  }

  #showAll(): void {
    const { width, height } = this.#canvas;
    this.#moved = false;
    const { x, y } = this.#places;
    const [left, right] = extent(x);
    const [top, bottom] = extent(y);
    const scale = 0.94 * Math.min(width / (right - left || 1), height / (bottom - top || 1));
    this.#view = { scale, x: (width - scale * (left + right)) / 2, y: (height - scale * (top + bottom)) / 2 };
    this.#draw();
  }

  /** @param x, y the place that stays, in pixels of the canvas; default: its middle */
  #zoom(factor: number, x = this.#canvas.width / 2, y = this.#canvas.height / 2): void {
    const { width } = this.#canvas;
    const scale = Math.max(
      (0.2 * width) / span,
      Math.min((mostZoom * width) / span, this.#view.scale * factor),
    );
    const by = scale / this.#view.scale;
    this.#view = { scale, x: x + (this.#view.x - x) * by, y: y + (this.#view.y - y) * by };
    this.#moved = true;
    this.#draw();
  }

  #pan(x: number, y: number): void {
    this.#view = { ...this.#view, x: this.#view.x + x, y: this.#view.y + y };
    this.#moved = true;
    this.#draw();
  }

  /** Once before the next picture of the page, however often it was asked for. */
  #draw(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#drawNow();
    });
  }

  #drawNow(): void {
    const { width, height } = this.#canvas;
    if (!this.#data || !this.#colouring || !this.#palette || width === 0) return;
    this.#image ??= new ImageData(width, height);
    const { x, y } = this.#places;
    const { values, blend } = this.#colouring;
    const colours = values.length > 0 ? values : new Uint8Array(x.length).fill(255);
    this.#raster.draw(this.#image, { x, y, colours, blend }, this.#palette, this.#view, this.#ratio);
    this.#context.putImageData(this.#image, 0, 0);
    this.#drawMarks();
    if (!this.#shown) performance.mark('map');
    this.#shown = true;
  }

  /** What is selected, and what is near to it. */
  #drawMarks(): void {
    const context = this.#context;
    const ratio = this.#ratio;
    const style = getComputedStyle(this.#canvas);
    const circle = (row: number, radius: number) => {
      const [x, y] = this.#place(row);
      context.beginPath();
      context.arc(x, y, radius * ratio, 0, 2 * Math.PI);
    };
    const ring = (row: number, radius: number, thick: number) => {
      circle(row, radius);
      context.lineWidth = (thick + 2) * ratio;
      context.strokeStyle = style.backgroundColor;
      context.stroke();
      context.lineWidth = thick * ratio;
      context.strokeStyle = style.color;
      context.stroke();
    };
    if (this.#canvas.matches(':focus-visible')) this.#drawCentre(style.color);
    if (this.#selected === undefined) return;
    if (this.#colourBy.value === 'distance' && this.#distances) {
      const { legend, values } = this.#colouring!;
      for (let distance = emphasised; distance > 0; distance--) {
        for (const [row, other] of this.#distances.values.entries()) {
          if (other !== distance) continue;
          context.fillStyle = cssColour(currentTheme(), legend, values[row]!);
          circle(row, 2.5);
          context.fill();
        }
      }
    }
    for (const { row } of this.#neighbours) ring(row, 4.5, 1.5);
    ring(this.#selected, 8, 2.5);
  }

  /** Where Enter selects. */
  #drawCentre(colour: string): void {
    const context = this.#context;
    const [x, y, arm] = [this.#canvas.width / 2, this.#canvas.height / 2, 9 * this.#ratio];
    context.beginPath();
    context.moveTo(x - arm, y);
    context.lineTo(x + arm, y);
    context.moveTo(x, y - arm);
    context.lineTo(x, y + arm);
    context.lineWidth = 1.5 * this.#ratio;
    context.strokeStyle = colour;
    context.stroke();
  }

  #place(row: number): [x: number, y: number] {
    const { x, y } = this.#places;
    const { scale, x: left, y: top } = this.#view;
    return [x[row]! * scale + left, y[row]! * scale + top];
  }

  /** The cell nearest to a place of the canvas, at most `within` pixels of it away. */
  #at(px: number, py: number, within: number): number | undefined {
    const { x, y } = this.#places;
    const { scale, x: left, y: top } = this.#view;
    let [best, found] = [within * within, -1];
    for (let i = 0; i < x.length; i++) {
      const dx = x[i]! * scale + left - px;
      const dy = y[i]! * scale + top - py;
      const square = dx * dx + dy * dy;
      if (square < best) [best, found] = [square, i];
    }
    return found < 0 ? undefined : found;
  }

  #select(row: number | undefined): void {
    const data = this.#data!;
    this.#selected = row;
    this.#neighbours = row === undefined ? [] : neighboursOf(data, row);
    if (row === undefined) {
      this.#panel.replaceChildren(
        h(
          'p',
          { class: 'muted' },
          'Select a cell: its graph, its accuracies and its nearest neighbours stand here.',
        ),
      );
      this.#spoken.textContent = '';
    } else {
      this.#panel.replaceChildren(
        ...describeCell(data, row, this.#neighbours, (other) => this.#select(other)),
      );
      this.#spoken.textContent = `${inWords(data, row)} selected`;
      this.#distances?.ask(data.cells[row]!);
      this.#keepInView(row);
    }
    if (this.#colourBy.value === 'distance') this.#recolour();
    this.#draw();
  }

  #keepInView(row: number): void {
    const { width, height } = this.#canvas;
    const [x, y] = this.#place(row);
    if (x < 0 || y < 0 || x > width || y > height) this.#pan(width / 2 - x, height / 2 - y);
  }

  /** Selects the cell of a number, a hash or a text. */
  async #search(text: string): Promise<void> {
    const { space, cells } = this.#data!;
    const search = ++this.#searches;
    let row = -1;
    let fault = `'${text}' is none of the cells of this map.`;
    try {
      if (space && /^[\da-f]{32}$/i.test(text.trim())) {
        row = await this.#rowOfHash(text.trim().toLowerCase(), space, cells, () => search !== this.#searches);
        if (search !== this.#searches) return;
        this.#progress.textContent = '';
        return this.#found(row, fault);
      }
      const number = /^[\d,\s]+$/.test(text) ? Number(text.replaceAll(/[,\s]/g, '')) : undefined;
      const code = space ? (number === undefined ? space.parse(text) : space.cells()[number]) : number;
      const own = code !== undefined && space ? space.canonical(code) : code;
      row = cells.findIndex((cell) => cell === own || space?.canonical(cell) === own);
    } catch (error) {
      const { message, hint } = error as RxnasError;
      fault = `${message}; ${hint}.`;
    }
    this.#found(row, fault);
  }

  /** The row of a cell by its hash, −1 without one: hashes of half a million cells take seconds, so the page goes on meanwhile. */
  async #rowOfHash(hash: string, space: Space, cells: Uint32Array, isOver: () => boolean): Promise<number> {
    const atOnce = 1000;
    for (let from = 0; from < cells.length && !isOver(); from += atOnce) {
      const found = cells.subarray(from, from + atOnce).findIndex((cell) => space.hash(cell) === hash);
      if (found >= 0) return from + found;
      this.#progress.textContent = `Looking for the hash: ${Math.floor((100 * from) / cells.length)} %`;
      await new Promise((resolve) => setTimeout(resolve));
    }
    return -1;
  }

  #found(row: number, fault: string): void {
    this.#fault.hidden = row >= 0;
    this.#fault.textContent = row >= 0 ? '' : fault;
    if (row >= 0) this.#select(row);
  }

  #listen(): void {
    const canvas = this.#canvas;
    const placeOf = (event: MouseEvent): [number, number] => {
      const { left, top } = canvas.getBoundingClientRect();
      return [(event.clientX - left) * this.#ratio, (event.clientY - top) * this.#ratio];
    };
    const pointers = new Map<number, [x: number, y: number]>();
    let travelled = 0;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, placeOf(event));
      if (pointers.size === 1) travelled = 0;
    });
    canvas.addEventListener('pointermove', (event) => {
      const before = pointers.get(event.pointerId);
      const now = placeOf(event);
      if (!before) {
        this.#read(now);
        return;
      }
      const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
      travelled += Math.hypot(dx, dy);
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, now);
      if (!other) this.#pan(dx, dy);
      else {
        const apart = (place: [number, number]) => Math.hypot(place[0] - other[0], place[1] - other[1]);
        this.#zoom(apart(now) / Math.max(1, apart(before)), other[0], other[1]);
      }
    });
    const release = (event: PointerEvent) => {
      if (!pointers.delete(event.pointerId) || pointers.size > 0 || event.type !== 'pointerup') return;
      if (travelled > 4 * this.#ratio) return;
      const row = this.#at(...placeOf(event), reach * this.#ratio);
      if (row !== undefined) this.#select(row);
    };
    canvas.addEventListener('pointerup', release);
    canvas.addEventListener('pointercancel', release);
    canvas.addEventListener('dblclick', (event) => this.#zoom(2, ...placeOf(event)));
    canvas.addEventListener(
      'wheel',
      (event) => {
        if (document.activeElement !== canvas && !event.ctrlKey) return; // the page is scrolled
        event.preventDefault();
        this.#zoom(2 ** (-event.deltaY / (event.ctrlKey ? 120 : 400)), ...placeOf(event));
      },
      { passive: false },
    );
    canvas.addEventListener('keydown', (event) => {
      const { width, height } = canvas;
      const step = (event.shiftKey ? 0.4 : 0.1) * Math.min(width, height);
      const actions: Record<string, () => void> = {
        ArrowLeft: () => this.#pan(step, 0),
        ArrowRight: () => this.#pan(-step, 0),
        ArrowUp: () => this.#pan(0, step),
        ArrowDown: () => this.#pan(0, -step),
        '+': () => this.#zoom(zoomStep),
        '=': () => this.#zoom(zoomStep),
        '-': () => this.#zoom(1 / zoomStep),
        0: () => this.#showAll(),
        Enter: () => this.#select(this.#at(width / 2, height / 2, Number.POSITIVE_INFINITY)),
        Escape: () => this.#select(undefined),
      };
      if (event.ctrlKey || event.metaKey || event.altKey || !actions[event.key]) return;
      event.preventDefault();
      actions[event.key]!();
    });
    canvas.addEventListener('focus', () => this.#draw());
    canvas.addEventListener('blur', () => this.#draw());
    this.#colourBy.addEventListener('change', () => this.#recolour());
    this.#layoutBy.addEventListener('change', () => {
      this.#layout = Number(this.#layoutBy.value);
      this.#motion = undefined;
      this.#showAll();
    });
  }

  /** Says which cell the pointer is at. */
  #read([x, y]: [number, number]): void {
    const row = this.#data && this.#at(x, y, reach * this.#ratio);
    this.#reading.textContent = row === undefined ? '' : inWords(this.#data!, row);
  }
}

/** Options of a list; what was chosen stays so where it is still there. */
function fillSelect(select: HTMLSelectElement, options: [value: string, label: string][]): void {
  const chosen = select.value;
  select.replaceChildren(
    ...options.map(([value, label]) => h('option', { value, selected: value === chosen }, label)),
  );
}

function extent(values: Uint16Array): [number, number] {
  let [low, high] = [span, 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
