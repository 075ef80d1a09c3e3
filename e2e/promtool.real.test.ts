import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceFolder } from '@kmm-fleet/lab';
import { METRICS_SERVICE, ruleFile } from '@kmm-fleet/policies';
import { createMetrics } from '@kmm-fleet/runtime';
import { afterAll, describe, expect, it } from 'vitest';

const promtool = join(referenceFolder('promtool'), 'usr/bin/promtool');
const isMissing = !existsSync(promtool);
const folder = mkdtempSync(join(tmpdir(), 'kmm-promtool-'));

afterAll(() => rmSync(folder, { recursive: true }));

type Role = 'hub' | 'spoke';

/** A series as promtool writes them: `from+stepxcount`, one value a minute. */
interface Story {
  readonly role: Role;
  readonly alert: string;
  /** What somebody measures, and what they are told. */
  readonly series: Readonly<Record<string, string>>;
  /** Minutes: not yet, and then. */
  readonly quiet: string;
  readonly fires: string;
  /** A part of the summary. */
  readonly says: string;
  readonly runbook: string;
  /** Labels that the alert carries beside its severity. */
  readonly labels: Readonly<Record<string, string>>;
  readonly severity?: string;
}

const up = (role: Role) => ({ [`up{job="${METRICS_SERVICE[role]}"}`]: '1x400' });
const byReason = (reason: string, severity: string) =>
  `kmm_clusters_by_reason{module="kmod",reason="${reason}",severity="${severity}"}`;

const STORIES: readonly Story[] = [
  {
    role: 'hub',
    alert: 'KmmClustersNeedAPerson',
    series: { [byReason('KernelNotMapped', 'error')]: '0x4 3x400' },
    quiet: '15m',
    fires: '25m',
    says: 'Module kmod is not served on 3 clusters: KernelNotMapped',
    runbook: 'kernelnotmapped',
    labels: { module: 'kmod', reason: 'KernelNotMapped' },
  },
  {
    role: 'hub',
    alert: 'KmmClustersWaitLong',
    series: { [byReason('WaitingForAgent', 'waiting')]: '1x400' },
    quiet: '1h',
    fires: '121m',
    says: 'waits on 1 clusters for two hours: WaitingForAgent',
    runbook: 'waitingforagent',
    labels: { module: 'kmod', reason: 'WaitingForAgent' },
  },
  {
    role: 'hub',
    alert: 'KmmClaimsDoNotFit',
    series: { 'kmm_cluster_claim_problems{reason="TooManyKernels"}': '2x400' },
    quiet: '20m',
    fires: '31m',
    says: '2 clusters claim kernels that cannot be planned for: TooManyKernels',
    runbook: 'toomanykernels',
    labels: { reason: 'TooManyKernels' },
  },
  {
    role: 'hub',
    alert: 'KmmImagesFailed',
    series: { 'kmm_module_images{state="Failed"}': '1x400', 'kmm_module_images{state="Ready"}': '9x400' },
    quiet: '20m',
    fires: '31m',
    says: '1 module images are Failed',
    runbook: 'buildfailed',
    labels: { state: 'Failed' },
  },
  {
    role: 'hub',
    alert: 'KmmBuildsKeepFailing',
    series: { 'kmm_builds_total{step="Built",outcome="failure"}': '0+1x400' },
    quiet: '4m',
    fires: '60m',
    says: 'Step Built of module images failed 60 times in an hour',
    runbook: 'buildfailed',
    labels: { step: 'Built' },
  },
  {
    role: 'hub',
    alert: 'KmmSigningCertificateExpires',
    series: { 'kmm_signing_certificate_not_after_seconds{secret="ns/cert"}': '864000x400' },
    quiet: '30m',
    fires: '1h',
    says: 'The certificate in Secret ns/cert expires in 9d 23h 0m 0s',
    runbook: 'certificateexpired',
    labels: { secret: 'ns/cert' },
  },
  {
    role: 'hub',
    alert: 'KmmSigningCertificateExpired',
    series: { 'kmm_signing_certificate_not_after_seconds{secret="ns/cert"}': '600x400' },
    quiet: '4m',
    fires: '6m',
    says: 'less than three days, or has expired',
    runbook: 'certificateexpired',
    labels: { secret: 'ns/cert' },
    severity: 'critical',
  },
  {
    role: 'spoke',
    alert: 'KmmModuleDegraded',
    series: { 'kmm_module_degraded{namespace="ns",module="kmod",reason="PostStartHookError"}': '1x400' },
    quiet: '10m',
    fires: '16m',
    says: 'Module ns/kmod is degraded: PostStartHookError',
    runbook: 'poststarthookerror',
    labels: { namespace: 'ns', module: 'kmod', reason: 'PostStartHookError' },
  },
  {
    role: 'spoke',
    alert: 'KmmModuleNotOnAllNodes',
    series: {
      'kmm_module_nodes{namespace="ns",module="kmod",state="desired"}': '5x400',
      'kmm_module_nodes{namespace="ns",module="kmod",state="available"}': '3x400',
    },
    quiet: '50m',
    fires: '61m',
    says: 'missing on 2 nodes for an hour',
    runbook: 'nodesloading',
    labels: { namespace: 'ns', module: 'kmod' },
  },
  {
    role: 'spoke',
    alert: 'KmmKernelsUnclaimed',
    series: { 'kmm_kernels_unclaimed{pod="kmm"}': '4x400' },
    quiet: '20m',
    fires: '31m',
    says: '4 kernels of this cluster do not fit into its claims',
    runbook: 'toomanykernels',
    labels: { pod: 'kmm' },
  },
  {
    role: 'hub',
    alert: 'KmmPassesFail',
    series: { 'kmm_reconcile_errors_total{queue="works",code="API_ERROR"}': '0+60x400' },
    quiet: '20m',
    fires: '46m',
    says: 'Passes of queue works fail with API_ERROR',
    runbook: 'apierror',
    labels: { queue: 'works', code: 'API_ERROR' },
  },
  {
    role: 'hub',
    alert: 'KmmQueueStuck',
    series: { 'kmm_queue_depth{queue="works"}': '0x4 90x400' },
    quiet: '20m',
    fires: '31m',
    says: 'Queue works has had more than 50 keys waiting',
    runbook: 'apithrottled',
    labels: { queue: 'works' },
  },
  {
    role: 'hub',
    alert: 'KmmApiServerRefuses',
    series: {
      'kmm_api_requests_total{method="GET",kind="Node",code="200"}': '0+60x400',
      'kmm_api_requests_total{method="PATCH",kind="Node",code="403"}': '0+60x400',
    },
    quiet: '10m',
    fires: '30m',
    says: 'One in ten requests of the operator is answered 403',
    runbook: 'apiforbidden',
    labels: { code: '403' },
  },
  {
    role: 'spoke',
    alert: 'KmmWatchesBreak',
    series: { 'kmm_watch_restarts_total{kind="Node",cause="API_UNREACHABLE"}': '0+2x400' },
    quiet: '10m',
    fires: '40m',
    says: 'The watch of Node breaks again and again: API_UNREACHABLE',
    runbook: 'watchexpired',
    labels: { kind: 'Node', cause: 'API_UNREACHABLE' },
  },
];

const allRules = (['hub', 'spoke'] as const).flatMap((role) =>
  ruleFile(role).groups.flatMap(({ rules }) => rules),
);
/** What fires at a time, in promtool's words: it expects nothing, and prints what it got. '' when nothing fires. */
function firing(
  role: Role,
  alerts: readonly string[],
  series: Readonly<Record<string, string>>,
  time: string,
): string {
  const input_series = Object.entries(series).map(([name, values]) => ({ series: name, values }));
  const alert_rule_test = alerts.map((alertname) => ({ eval_time: time, alertname, exp_alerts: [] }));
  const tests = [{ interval: '1m', input_series, alert_rule_test }];
  writeFileSync(join(folder, 'rules.json'), JSON.stringify(ruleFile(role)));
  const file = { rule_files: ['rules.json'], evaluation_interval: '1m', tests };
  writeFileSync(join(folder, 'test.json'), JSON.stringify(file));
  const { status, stdout, stderr } = spawnSync(promtool, ['test', 'rules', 'test.json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status !== 0 && !stderr.includes('got:[')) throw new Error(stderr || stdout);
  return status === 0 ? '' : stderr;
}

describe.skipIf(isMissing)(
  `alerts in promtool${isMissing ? ' (skipped: no package prometheus)' : ''}`,
  () => {
    it.each(['hub', 'spoke'] as const)('the rules of a %s are right', (role) => {
      writeFileSync(join(folder, `${role}.json`), JSON.stringify(ruleFile(role)));

      const output = execFileSync(promtool, ['check', 'rules', `${role}.json`], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(output).toMatch(/SUCCESS: \d+ rules found/);
    });

    it.each(STORIES)('$alert is quiet after $quiet and fires after $fires', (story) => {
      const { role, alert, quiet, fires, says, runbook, labels, severity = 'warning' } = story;
      const series = { ...up(role), ...story.series };
      const words = firing(role, [alert], series, fires);

      expect(firing(role, [alert], series, quiet)).toBe('');
      expect(words).toContain(says);
      expect(words).toContain(`runbook_url="docs/reasons.md#${runbook}"`);
      for (const [name, value] of Object.entries({ ...labels, severity }))
        expect(words).toContain(`${name}="${value}"`);
    });

    it.each(['hub', 'spoke'] as const)('KmmOperatorDown fires when no %s answers', (role) => {
      const series = { [`up{job="${METRICS_SERVICE[role]}"}`]: '1x5 0x60' };

      expect(firing(role, ['KmmOperatorDown'], series, '10m')).toBe('');
      expect(firing(role, ['KmmOperatorDown'], series, '30m')).toContain(
        `No operator answers as ${METRICS_SERVICE[role]}`,
      );
    });

    it('every alert is told once', () => {
      const told = new Set([...STORIES.map(({ alert }) => alert), 'KmmOperatorDown']);
      expect(allRules.map(({ alert }) => alert).filter((alert) => !told.has(alert))).toEqual([]);
    });

    it('a fleet where all is well wakes nobody', () => {
      const series = {
        ...up('hub'),
        [byReason('Loaded', 'ok')]: '3x400',
        'kmm_module_images{state="Ready"}': '9x400',
        'kmm_queue_depth{queue="works"}': '0x400',
        'kmm_api_requests_total{method="GET",kind="Node",code="200"}': '0+10x400',
        'kmm_signing_certificate_not_after_seconds{secret="ns/cert"}': '99999999x400',
      };
      const names = ruleFile('hub').groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));

      expect(firing('hub', names, series, '6h')).toBe('');
    });

    it('the metrics that an operator serves are well-formed', async () => {
      const text = await createMetrics().text();
      const output = execFileSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
      expect(output).toBe('');
    });
  },
);
