import { defineFigure } from './figure.js';
import { listed, titled } from './parts.js';

/** What one stage of a run took. */
export interface StageTime {
  name: string;
  stage: string;
  /** In the stage itself, in seconds. */
  seconds: number;
  /** Rows that left it. */
  rows: number;
}

/** Where the time of runs went, stage by stage. */
export const stagesFigure = defineFigure<{ stages: StageTime[] }>({
  name: 'stages',
  summary: 'where the time of runs went, stage by stage',
  describe({ stages }) {
    const names = [...new Set(stages.map(({ name }) => name))];
    const longest = names.map((name) => {
      const own = stages.filter((stage) => stage.name === name);
      const all = own.reduce((sum, { seconds }) => sum + seconds, 0);
      const most = own.reduce((a, b) => (b.seconds > a.seconds ? b : a));
      return `${name}: ${all.toFixed(1)} s, of which ${((100 * most.seconds) / all).toFixed(0)} % in ${most.stage}.`;
    });
    return `Seconds spent in each stage of ${listed(names)}, waiting left out. ${longest.join(' ')}`;
  },
  rows: ({ stages }) => stages.map((stage) => ({ ...stage })),
  spec({ stages }, theme) {
    const y = {
      field: 'stage',
      type: 'nominal' as const,
      sort: null,
      title: null,
      axis: { grid: false, labelLimit: 240 },
    };
    const x = {
      field: 'seconds',
      type: 'quantitative' as const,
      title: 'seconds in the stage',
      axis: { tickCount: 6 },
    };
    const panels = [...new Set(stages.map(({ name }) => name))].map((name) => ({
      title: { text: name, fontSize: 12, offset: 6 },
      width: 480,
      data: {
        values: stages
          .filter((stage) => stage.name === name)
          .map((stage) => ({ ...stage, text: `${Number(stage.seconds.toPrecision(3))} s` })),
      },
      encoding: { y, x },
      layer: [
        { mark: { type: 'bar' as const, color: theme.series[0]! } },
        {
          mark: { type: 'text' as const, align: 'left' as const, dx: 4, fontSize: 10, color: theme.ink },
          encoding: { text: { field: 'text' } },
        },
      ],
    }));
    return {
      title: titled('Where the time went', 'Seconds in each stage itself; waiting for others is left out.'),
      vconcat: panels,
    };
  },
});
