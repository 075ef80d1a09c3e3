import yoctoSpinner from 'yocto-spinner';

/** Shows the steps of long work, one after another. */
export interface Progress {
  /** The step before is done, this one begins. */
  step(text: string): void;
  /** The last step has ended, well or not. */
  end(isGood: boolean): void;
}

/** On a terminal the step that runs turns until it is done; elsewhere each is a plain line. Goes to standard error. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  let spinner: ReturnType<typeof yoctoSpinner> | undefined;
  return {
    step(text) {
      if (!stream.isTTY) return void stream.write(`${text}\n`);
      spinner?.success();
      spinner = yoctoSpinner({ text, stream }).start();
    },
    end(isGood) {
      if (isGood) spinner?.success();
      else spinner?.error();
      spinner = undefined;
    },
  };
}
