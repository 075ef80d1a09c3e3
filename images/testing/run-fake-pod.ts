import { isAppError } from '@kmm-fleet/runtime';
import { type Builder, type BuildRequest, buildLog } from '../builders/builder.ts';
import type { ContainerEnd, RenderedPod, RunPod } from './job-runner.ts';

/** Does what the containers of a build's pod say by a builder in this process: what they do not say it does not know. */
export function runFakePod(builder: Builder): RunPod {
  return async function* run(pod, signal): AsyncGenerator<ContainerEnd> {
    const request = requestOf(pod);
    try {
      const { digest, log } = await builder.build(request, signal);
      yield { exitCode: 0, output: log };
      yield { exitCode: 0, output: '', message: digest };
    } catch (error) {
      if (signal.aborted || !isAppError(error)) throw error;
      if (error.code === 'BUILD_FAILED') {
        yield { exitCode: 1, output: buildLog(error) };
        return;
      }
      yield { exitCode: 0, output: '' };
      yield {
        exitCode: 125,
        output: `Error: ${error.code === 'REGISTRY_UNAUTHORIZED' ? 'unauthorized' : error.message}`,
      };
    }
  };
}

/** The request as the rendered pod has it. */
function requestOf({ containers, files }: RenderedPod): BuildRequest {
  const [build = [], push = []] = containers.map(({ command }) => command);
  const text = (path: string) => Buffer.from(files.get(path) ?? '').toString('utf8');
  const file = (args: readonly string[], flag: string) =>
    text(nameInVolume(args.find((arg) => arg.startsWith(`--${flag}=`))?.slice(flag.length + 3)));
  const access = (args: readonly string[]) => ({
    dockerConfig: file(args, 'authfile'),
    insecureSkipTLSVerify: args.includes('--tls-verify=false'),
  });
  const target = build.find((arg) => arg.startsWith('--tag='))?.slice('--tag='.length) ?? '';
  return {
    dockerfile: file(build, 'file'),
    buildArgs: pairs(build, '--build-arg'),
    labels: pairs(build, '--label'),
    secrets: values(build, '--volume').map((volume) => secretOf(volume, files)),
    target: push.at(-1) === target ? target : '',
    baseAccess: access(build),
    targetAccess: access(push),
  };
}

function secretOf(volume: string, files: RenderedPod['files']) {
  const [source = '', mounted = ''] = volume.split(':');
  const folder = `${nameInVolume(source)}/`;
  const own = [...files].filter(([path]) => path.startsWith(folder));
  return {
    name: mounted.replace('/run/secrets/', ''),
    files: Object.fromEntries(own.map(([path, bytes]) => [path.slice(folder.length), bytes])),
  };
}

const nameInVolume = (path = '') => path.replace('/kmm/inputs/', '');

const values = (args: readonly string[], flag: string) =>
  args.flatMap((arg, index) => (arg === flag ? [args[index + 1] ?? ''] : []));

const pairs = (args: readonly string[], flag: string) =>
  Object.fromEntries(
    values(args, flag).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
