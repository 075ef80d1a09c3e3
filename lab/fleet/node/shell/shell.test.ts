import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeContainer } from '../../testing/container.ts';
import { escapePattern, matchesPattern } from './glob.ts';
import { Blocked } from './world.ts';

const files = { '/data/a.txt': 'A\n', '/data/b.txt': 'B\n', '/data/sub/c.txt': 'C\n' };

interface Case {
  readonly script: string;
  readonly out?: string;
  readonly err?: string;
  readonly code?: number;
}

const run = (script: string) => makeContainer(files).sh(script, { NAME: 'two words', EMPTY: '' });

describe('words', () => {
  it.each<Case>([
    { script: `echo one   two`, out: 'one two\n' },
    { script: `echo 'a  b' "c  d"`, out: 'a  b c  d\n' },
    { script: `echo 'it'"'"'s'`, out: "it's\n" },
    { script: `echo a\\ b`, out: 'a b\n' },
    { script: `printf '[%s]' $NAME`, out: '[two][words]' },
    { script: `printf '[%s]' "$NAME"`, out: '[two words]' },
    { script: `printf '[%s]' "\${NAME}s" '$NAME' "\\$NAME"`, out: '[two wordss][$NAME][$NAME]' },
    { script: `printf '[%s]' "" $EMPTY "$EMPTY"`, out: '[][]' },
    { script: `echo \${NONE:-default} \${NAME:+set} \${EMPTY-kept}`, out: 'default set\n' },
    {
      script: `f=/firmware/a/b.bin; echo \${f#/firmware/} \${f##*/} \${f%/*} \${f%%/*} \${#f}`,
      out: 'a/b.bin b.bin /firmware/a 17\n',
    },
    { script: `echo $(echo inner; echo more) \`echo ticks\``, out: 'inner more ticks\n' },
    { script: `echo "$(printf 'a\\n\\n')"`, out: 'a\n' },
    { script: `echo /data/*.txt`, out: '/data/a.txt /data/b.txt\n' },
    { script: `echo "/data/*.txt" '/data/*'`, out: '/data/*.txt /data/*\n' },
    {
      script: `echo /data/*/c.txt /data/[ab].txt /none/*`,
      out: '/data/sub/c.txt /data/a.txt /data/b.txt /none/*\n',
    },
    { script: `echo yes # a comment`, out: 'yes\n' },
    { script: `echo one \\\n two`, out: 'one two\n' },
    { script: `A=1 B=2; echo $A$B`, out: '12\n' },
  ])('$script', ({ script, out = '', err = '', code = 0 }) => {
    expect(run(script)).toEqual({ code, stdout: out, stderr: err });
  });
});

describe('commands', () => {
  it.each<Case>([
    { script: `true && echo yes || echo no`, out: 'yes\n' },
    { script: `false && echo yes || echo no`, out: 'no\n' },
    { script: `! false; echo $?`, out: '0\n' },
    { script: `false; echo $?`, out: '1\n' },
    { script: `exit 3`, code: 3 },
    { script: `if [ -e /data/a.txt ]; then echo there; else echo gone; fi`, out: 'there\n' },
    { script: `if false; then :; elif test -d /data; then echo dir; fi`, out: 'dir\n' },
    { script: `for x in a 'b c' $NAME; do printf '<%s>' "$x"; done`, out: '<a><b c><two><words>' },
    { script: `for x in 1 2 3; do [ $x = 2 ] && continue; [ $x = 3 ] && break; echo $x; done`, out: '1\n' },
    {
      script: `find /data -type f | sort -r | while read f; do echo "got $f"; done`,
      out: 'got /data/sub/c.txt\ngot /data/b.txt\ngot /data/a.txt\n',
    },
    { script: `i=; while [ "$i" != xxx ]; do i=x$i; done; echo $i`, out: 'xxx\n' },
    { script: `case /a/b.ko in *.ko|*.xz) echo module;; *) echo other;; esac`, out: 'module\n' },
    { script: `(cd /data; pwd); pwd`, out: '/data\n/\n' },
    { script: `{ echo a; echo b; } | wc -l`, out: '2\n' },
    { script: `set -e; false; echo never`, code: 1 },
    { script: `set -e; false || true; if false; then :; fi; echo on`, out: 'on\n' },
    { script: `set -eu; echo $UNSET_NAME`, err: '/bin/sh: 1: UNSET_NAME: parameter not set\n', code: 2 },
    { script: `set -o pipefail`, err: '/bin/sh: 1: set: Illegal option -o pipefail\n', code: 2 },
    { script: `trap 'echo bye' EXIT; echo hi; exit 4`, out: 'hi\nbye\n', code: 4 },
    { script: `sh -c 'echo "$0 $1"' name first`, out: 'name first\n' },
    { script: `printf 'x y\\nz\\n' | xargs -n1 echo -`, out: '- x\n- y\n- z\n' },
    { script: `command -v modprobe && command -v nothing`, out: '/sbin/modprobe\n', code: 127 },
  ])('$script', ({ script, out = '', err = '', code = 0 }) => {
    expect(run(script)).toEqual({ code, stdout: out, stderr: err });
  });
});

describe('redirections', () => {
  it.each<Case>([
    { script: `echo lost >/dev/null; echo kept`, out: 'kept\n' },
    {
      script: `ls /none 2>&1 >/dev/null`,
      out: "ls: cannot access '/none': No such file or directory\n",
      code: 2,
    },
    { script: `ls /none >/dev/null 2>&1`, code: 2 },
    { script: `echo a >/tmp/x; echo b >>/tmp/x; cat /tmp/x`, out: 'a\nb\n' },
    { script: `exec >/dev/termination-log 2>&1; echo hidden; cat /none`, code: 1 },
    { script: `exec >/tmp/log; echo hidden; cat /tmp/log >/tmp/copy`, out: '' },
    { script: `cat </data/a.txt`, out: 'A\n' },
    { script: `echo x >/none/y`, err: '/bin/sh: 1: cannot create /none/y: Directory nonexistent\n', code: 2 },
    { script: `echo both | tee /tmp/t >/dev/null; cat /tmp/t`, out: 'both\n' },
    {
      script: `ls /none >/dev/termination-log 2>&1 || { cat /dev/termination-log; exit 1; }`,
      out: "ls: cannot access '/none': No such file or directory\n",
      code: 1,
    },
  ])('$script', ({ script, out = '', err = '', code = 0 }) => {
    expect(run(script)).toEqual({ code, stdout: out, stderr: err });
  });
});

describe("dash's words", () => {
  it.each<Case>([
    { script: `nothing`, err: '/bin/sh: 1: nothing: not found\n', code: 127 },
    { script: `echo a\n/no/such x`, out: 'a\n', err: '/bin/sh: 2: /no/such: not found\n', code: 127 },
    { script: `/data`, err: '/bin/sh: 1: /data: Permission denied\n', code: 126 },
    {
      script: `if true; then echo a`,
      err: '/bin/sh: 1: Syntax error: end of file unexpected (expecting "fi")\n',
      code: 2,
    },
    { script: `done`, err: '/bin/sh: 1: Syntax error: "done" unexpected\n', code: 2 },
    { script: `echo "open`, err: '/bin/sh: 1: Syntax error: Unterminated quoted string\n', code: 2 },
    { script: `echo a && && b`, err: '/bin/sh: 1: Syntax error: "&&" unexpected\n', code: 2 },
  ])('$script', ({ script, out = '', err = '', code = 0 }) => {
    expect(run(script)).toEqual({ code, stdout: out, stderr: err });
  });
});

describe('words of builtins, as a real dash says them', () => {
  const says = (message: string, code: number): Omit<Case, 'script'> => ({
    err: `/bin/sh: 1: ${message}\n`,
    code,
  });
  it.each<Case>([
    { script: `[ a -eq 1 ]`, ...says('[: Illegal number: a', 2) },
    { script: `[ 1 2 3 ]`, ...says('[: 1: unexpected operator', 2) },
    { script: `test 1 -eq 1 extra`, ...says('test: 1: unexpected operator', 2) },
    { script: `printf`, ...says('printf: usage: printf format [arg ...]', 2) },
    { script: `printf '%d' x`, out: '0', ...says('printf: x: expected numeric value', 1) },
    { script: `. /nope`, ...says('.: cannot open /nope: No such file', 2) },
    { script: `shift 3; echo never`, ...says("shift: can't shift that many", 2) },
    { script: `exit foo`, ...says('exit: Illegal number: foo', 2) },
    { script: `read`, ...says('read: arg count', 2) },
    { script: `exec nothing`, ...says('exec: nothing: not found', 127) },
    { script: `cd /nope`, ...says("cd: can't cd to /nope", 2) },
    { script: `echo \${none:?}`, ...says('none: parameter not set or null', 2) },
    { script: `break; continue; echo on`, out: 'on\n' },
    { script: `echo 'x=sourced' >/tmp/f; . /tmp/f; echo $x`, out: 'sourced\n' },
  ])('$script', ({ script, out = '', err = '', code = 0 }) => {
    expect(run(script)).toEqual({ code, stdout: out, stderr: err });
  });
});

it.each([
  { script: 'f() { :; }', what: 'Syntax error: functions are' },
  { script: 'cat <<EOF\nEOF', what: 'Syntax error: here-documents are' },
  { script: 'echo $((1+1))', what: 'Syntax error: arithmetic is' },
  { script: 'kill -0 1', what: 'kill: this builtin is' },
])('says that it does not model $script', ({ script, what }) => {
  const { stderr, code } = run(script);
  expect(stderr).toBe(`/bin/sh: 1: ${what} not modelled here\n`);
  expect(code).toBeGreaterThan(0);
});

describe('files', () => {
  it.each<Case>([
    {
      script: `cp -r /data/* /tmp && find /tmp -type f | sort`,
      out: '/tmp/a.txt\n/tmp/b.txt\n/tmp/sub/c.txt\n',
    },
    { script: `cp -a /data/. /tmp && ls /tmp`, out: 'a.txt\nb.txt\nsub\n' },
    { script: `cp /data /tmp`, err: "cp: -r not specified; omitting directory '/data'\n", code: 1 },
    { script: `cp /nope /tmp`, err: "cp: cannot stat '/nope': No such file or directory\n", code: 1 },
    {
      script: `rm -f /nope && rm /nope`,
      err: "rm: cannot remove '/nope': No such file or directory\n",
      code: 1,
    },
    { script: `rmdir /data`, err: "rmdir: failed to remove '/data': Directory not empty\n", code: 1 },
    {
      script: `mkdir -p /x/y/z && mkdir /x`,
      err: "mkdir: cannot create directory '/x': File exists\n",
      code: 1,
    },
    { script: `find /data -depth -name '*.txt' -delete; find /data -type f`, out: '' },
    { script: `cd /data && find . -mindepth 1 -maxdepth 1 -type d -printf '%P\\n'`, out: 'sub\n' },
    { script: `find /data -name 'c*' -exec basename {} .txt \\;`, out: 'c\n' },
    {
      script: `cp --frob a b`,
      err: "cp: unrecognized option '--frob'\nTry 'cp --help' for more information.\n",
      code: 1,
    },
    { script: `test -f /data/a.txt -a ! -d /data/a.txt && [ 2 -gt 1 ] && [ "$NAME" = 'two words' ]` },
    { script: `[ 1 -eq`, err: '/bin/sh: 1: [: missing ]\n', code: 2 },
  ])('$script', ({ script, out = '', err = '', code = 0 }) => {
    expect(run(script)).toEqual({ code, stdout: out, stderr: err });
  });
});

it('never reads an argument as a command: quoting holds whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 30 }), (text) => {
      const quoted = `'${text.replaceAll("'", `'\\''`)}'`;
      const { stdout, code } = makeContainer(files).sh(`printf '%s' ${quoted}`);
      expect({ stdout, code }).toEqual({ stdout: text, code: 0 });
    }),
  );
});

it('matches an escaped text with itself alone', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, other) => {
      expect(matchesPattern(escapePattern(text), text)).toBe(true);
      expect(matchesPattern(escapePattern(text), other)).toBe(text === other);
    }),
  );
});

it('ends every script, whatever it says', { timeout: 20_000 }, () => {
  const bits = fc.constantFrom(
    'echo a',
    'if',
    'then',
    'fi',
    ';',
    '&&',
    '|',
    '(',
    ')',
    '$(',
    '"',
    "'",
    'do',
    'done',
    'while true',
    '\n',
    '>',
    '$x',
    '${x',
    'case',
    '*',
  );
  fc.assert(
    fc.property(fc.array(bits, { maxLength: 12 }), (parts) => {
      const { code } = makeContainer(files).sh(parts.join(' '));
      expect(code).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 300 },
  );
});

it('kills a loop that never ends and a command that never stops talking', () => {
  expect(makeContainer().sh('while true; do :; done')).toMatchObject({
    code: 137,
    stderr: '/bin/sh: killed: too many commands\n',
  });
  expect(makeContainer().sh('x=aaaaaaaaaa; while :; do x=$x$x; echo $x; done').code).toBe(137);
});

it('lives on when a command never ends, and waits for what it sent to the background', () => {
  expect(() => makeContainer().sh('sleep infinity')).toThrow(Blocked);
  expect(() => makeContainer().sh('trap : TERM; sleep infinity & wait')).toThrow(Blocked);
  const container = makeContainer();
  expect(container.sh('sleep 2; sleep 1m').code).toBe(0);
  expect(container.sleptMs()).toBe(62_000);
});

it('runs scripts of the image, and says when it knows a program only by name', () => {
  const container = makeContainer({
    '/usr/bin/load': '#!/bin/sh\necho "$0 $1"\n',
    '/usr/bin/tool': '\x7fELF',
  });
  expect(container.run('load', 'now').stdout).toBe('/usr/bin/load now\n');
  expect(container.sh('tool')).toMatchObject({
    code: 126,
    stderr: 'tool: this program is not modelled by the simulated node\n',
  });
});
