import type { Progress, ReportModel } from '../model.js';
import { h } from './dom.js';
import { format } from './format.js';

/** Milliseconds after which a connection that the browser has given up is tried again. */
const again = 3000;

const states: Record<string, string> = {
  running: 'running',
  done: 'done',
  interrupted: 'interrupted: it can be resumed',
  failed: 'failed',
  dead: 'its process is gone: it can be resumed',
};

/**
 * Follows a run: shows the model with the sections that the server sends, while the page is seen (a browser has few connections to give). Returns
 * the line that says how the run stands.
 */
export function follow(events: string, first: ReportModel, show: (model: ReportModel) => void): HTMLElement {
  const state = h('span', { role: 'status' });
  const bar = h('progress');
  const amount = h('span', { class: 'amount' });
  const line = h('div', { class: 'live' }, state, bar, amount);
  let model = first;
  let source: EventSource | undefined;
  let connected = true;
  let address = events;

  const tell = () => {
    const { live } = model;
    const running = live?.state === 'running';
    line.dataset.state = connected ? live?.state : 'lost';
    const text = connected ? (states[live?.state ?? ''] ?? '') : 'connection lost, trying again';
    if (state.textContent !== text) state.textContent = text; // said aloud when it changes
    showProgress(live?.progress ?? [], running && connected, bar, amount);
  };
  const connect = () => {
    if (source || document.hidden) return;
    source = new EventSource(address);
    source.addEventListener('open', () => {
      connected = true;
      tell();
    });
    source.addEventListener('message', ({ data, lastEventId }) => {
      address = `${events.split('?')[0]}?after=${lastEventId}`;
      model = { ...model, ...JSON.parse(data) };
      show(model);
      tell();
    });
    source.addEventListener('error', () => {
      connected = false;
      tell();
      if (source?.readyState !== EventSource.CLOSED) return;
      source = undefined;
      setTimeout(connect, again);
    });
  };
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) return connect();
    source?.close();
    source = undefined;
  });
  tell();
  connect();
  return line;
}

function showProgress(
  progress: readonly Progress[],
  running: boolean,
  bar: HTMLProgressElement,
  amount: HTMLElement,
): void {
  const sum = (of: (each: Progress) => number) => progress.reduce((all, each) => all + of(each), 0);
  const known = progress.length > 0 && progress.every(({ total }) => total !== null);
  const done = progress.map((each) => {
    const count = format(each.done, 'count');
    return each.total === null
      ? `${count} ${each.unit}`
      : `${count} of ${format(each.total, 'count')} ${each.unit}`;
  });
  const { rate, left } = progress.at(-1) ?? {};
  amount.textContent = [
    ...done,
    running && rate && `${Number(rate.toPrecision(2))} a second`,
    running && left && `${duration(left)} left`,
  ]
    .filter(Boolean)
    .join(' · ');
  bar.hidden = !known;
  bar.max = sum(({ total }) => total ?? 0) || 1;
  bar.value = Math.min(
    sum((each) => each.done),
    bar.max,
  );
  bar.setAttribute('aria-label', done.join(', '));
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
