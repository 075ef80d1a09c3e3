import type { Program } from '../shell/world.ts';
import { copy, makeDirectories, move, remove, removeDirectories, tee, touch } from './change-files.ts';
import { find } from './find.ts';
import { insmod, lsmod, modprobe, rmmod } from './kmod.ts';
import { basename, cat, count, dirname, head, list, sort, tail, uname } from './read-files.ts';
import { echo, evaluate, fail, printDirectory, printf, sleep, succeed, xargs } from './small.ts';

/** Programs that need a file of their name in the image. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  basename,
  cat,
  cp: copy,
  dirname,
  echo,
  false: fail,
  find,
  head,
  insmod,
  ls: list,
  lsmod,
  mkdir: makeDirectories,
  modprobe,
  mv: move,
  printf,
  pwd: printDirectory,
  rm: remove,
  rmdir: removeDirectories,
  rmmod,
  sleep,
  sort,
  tail,
  tee,
  test: evaluate,
  touch,
  true: succeed,
  uname,
  wc: count,
  xargs,
};

/** Programs that the shell has inside. */
export const SHELL_OWN: Readonly<Record<string, Program>> = {
  '[': evaluate,
  echo,
  false: fail,
  printf,
  pwd: printDirectory,
  test: evaluate,
  true: succeed,
};
