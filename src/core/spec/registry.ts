import { usageError } from '../errors.js';
import { suggest } from '../suggest.js';
import { type Component, type ComponentKind, isStage, type StageSpec, stageKinds } from './component.js';

/** The namespace of a component's name: stages of all kinds stand in the same place of a spec, so they share one. */
const spaceOf = (kind: ComponentKind) => ((stageKinds as readonly string[]).includes(kind) ? 'stage' : kind);

/**
 * Components by kind and name: those of rxnas and those that a spec `use:`s. Immutable, one a spec, so that what one run uses is unknown
 * to the next.
 */
export class Registry {
  readonly #components = new Map<string, Component>();

  /** Throws exit code 2 where two components have one name. */
  constructor(components: Iterable<Component>) {
    for (const component of components) {
      const key = `${spaceOf(component.kind)} ${component.name}`;
      if (this.#components.has(key)) {
        throw usageError(
          `there is a ${spaceOf(component.kind)} '${component.name}' already`,
          'give the component another name',
        );
      }
      this.#components.set(key, component);
    }
  }

  /** This registry and more components. */
  with(components: Iterable<Component>): Registry {
    return new Registry([...this.#components.values(), ...components]);
  }

  /** The components, all or those of one kind, in the order in which they were given. */
  list(kind?: ComponentKind): readonly Component[] {
    const all = [...this.#components.values()];
    return kind ? all.filter((component) => component.kind === kind) : all;
  }

  /** The names of a kind. */
  names(kind: ComponentKind | 'stage'): string[] {
    return this.list()
      .filter((component) => (kind === 'stage' ? isStage(component) : component.kind === kind))
      .map(({ name }) => name);
  }

  /** The component of that kind and name, or undefined. */
  get(kind: ComponentKind | 'stage', name: string): Component | undefined {
    const found = this.#components.get(`${kind === 'stage' ? kind : spaceOf(kind)} ${name}`);
    return found && (kind === 'stage' || found.kind === kind) ? found : undefined;
  }

  /** The component of that kind and name; a usage error with "did you mean" where there is none. */
  find(kind: 'stage', name: string): StageSpec;
  find(kind: ComponentKind, name: string): Component;
  find(kind: ComponentKind | 'stage', name: string): Component {
    const found = this.get(kind, name);
    if (found) return found;
    const known = this.names(kind);
    const near = suggest(name, known);
    const elsewhere = this.named(name).map((component) => component.kind);
    throw usageError(
      `unknown ${kind} '${name}'`,
      near
        ? `did you mean '${near}'? Known: ${known.join(', ')}`
        : elsewhere.length > 0
          ? `'${name}' is a ${elsewhere.join(' and a ')}; as ${kind} there are ${known.join(', ')}`
          : `known: ${known.join(', ')}`,
    );
  }

  /** All components of that name, whatever their kind. */
  named(name: string): readonly Component[] {
    return this.list().filter((component) => component.name === name);
  }
}
