import { isSafeAbsolute } from '../../model/index.ts';

/** One change of the environment, as a modulefile says it; `value` undefined where only running it would tell. */
export interface ModuleChange {
  readonly do: 'set' | 'prepend' | 'append' | 'unset';
  readonly name: string;
  readonly value?: string;
  /** Between the parts of a list; default a colon. */
  readonly delimiter?: string;
}

/** What a modulefile says, as far as it can be told without running it. */
export interface Modulefile {
  readonly changes: readonly ModuleChange[];
  /** `module-whatis`, one a line. */
  readonly about: readonly string[];
  readonly conflicts: readonly string[];
  /** Modules that must be loaded before. */
  readonly needs: readonly string[];
  /** Modules that it loads itself. */
  readonly loads: readonly string[];
  /** Variables of its own that hold an absolute path: `set root /opt/x`. */
  readonly paths: readonly string[];
}

/** What a modulefile may ask for. */
export interface ModuleFacts {
  /** `foo/1.2`. */
  readonly name: string;
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Gathers what a reader of either language meets. */
export class ModuleNotebook {
  readonly changes: ModuleChange[] = [];
  readonly about: string[] = [];
  readonly conflicts: string[] = [];
  readonly needs: string[] = [];
  readonly loads: string[] = [];
  readonly paths: string[] = [];

  change(what: ModuleChange['do'], name: string | undefined, value?: string, delimiter?: string): void {
    if (name === undefined || !/^[A-Za-z_][A-Za-z0-9_]{0,255}$/.test(name)) return;
    if (this.changes.length >= 10_000) return;
    const more = delimiter === undefined || delimiter === ':' ? {} : { delimiter };
    this.changes.push({ do: what, name, ...(value === undefined || value.includes('\0') ? {} : { value }), ...more });
  }

  list(what: 'about' | 'conflicts' | 'needs' | 'loads', values: readonly (string | undefined)[]): void {
    for (const value of values) {
      const line =
        value
          ?.replaceAll(/[\0-\x1f\x7f]+/g, ' ')
          .trim()
          .slice(0, 1000) ?? '';
      if (line !== '' && this[what].length < 1000 && !this[what].includes(line)) this[what].push(line);
    }
  }

  variable(value: string | undefined): void {
    if (value !== undefined && value !== '/' && isSafeAbsolute(value) && this.paths.length < 1000) {
      this.paths.push(value);
    }
  }

  result(): Modulefile {
    const { changes, about, conflicts, needs, loads, paths } = this;
    return { changes, about, conflicts, needs, loads, paths };
  }
}
