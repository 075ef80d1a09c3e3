/** The parts of a POSIX shell script that the simulated nodes understand. */

/** One word before expansion. */
export interface Word {
  readonly parts: readonly WordPart[];
}

export type WordPart =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly kind: 'parameter';
      readonly name: string;
      readonly quoted: boolean;
      /** `:-`, `-`, `:+`, `+`, `:=`, `=`, `:?`, `?`, `%`, `%%`, `#`, `##`; `length` for `${#name}`. */
      readonly operator?: string;
      readonly operand?: Word;
    }
  | { readonly kind: 'command'; readonly script: Script; readonly quoted: boolean };

export interface Redirect {
  readonly descriptor: number;
  readonly operator: '>' | '>>' | '<' | '>&' | '<&';
  readonly target: Word;
}

export type Command =
  | {
      readonly kind: 'simple';
      readonly assignments: readonly { readonly name: string; readonly value: Word }[];
      readonly words: readonly Word[];
      readonly redirects: readonly Redirect[];
      readonly line: number;
    }
  | {
      readonly kind: 'if';
      readonly branches: readonly { readonly condition: Script; readonly body: Script }[];
      readonly otherwise?: Script;
      readonly redirects: readonly Redirect[];
    }
  | {
      readonly kind: 'for';
      readonly variable: string;
      /** Absent: over the positional parameters. */
      readonly words?: readonly Word[];
      readonly body: Script;
      readonly redirects: readonly Redirect[];
    }
  | {
      readonly kind: 'while';
      readonly until: boolean;
      readonly condition: Script;
      readonly body: Script;
      readonly redirects: readonly Redirect[];
    }
  | {
      readonly kind: 'case';
      readonly subject: Word;
      readonly arms: readonly { readonly patterns: readonly Word[]; readonly body: Script }[];
      readonly redirects: readonly Redirect[];
    }
  | {
      readonly kind: 'group';
      readonly subshell: boolean;
      readonly body: Script;
      readonly redirects: readonly Redirect[];
    };

export interface Pipeline {
  readonly negated: boolean;
  readonly commands: readonly Command[];
}

/** Pipelines joined by `&&` and `||`; the first has no connector. */
export interface AndOr {
  readonly links: readonly { readonly connector: '' | '&&' | '||'; readonly pipeline: Pipeline }[];
  readonly background: boolean;
}

export type Script = readonly AndOr[];
