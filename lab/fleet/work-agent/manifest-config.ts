import type { ResourceMeta, Work } from './work-view.ts';

/** Options of one manifest, merged from all entries that match it. */
export interface ManifestConfig {
  readonly feedbackRules: readonly FeedbackRule[];
  readonly isWatched: boolean;
  readonly strategy: 'Update' | 'CreateOnly' | 'ServerSideApply';
  readonly fieldManager: string;
  readonly force: boolean;
  /** Options that were asked for and that this agent does not have. */
  readonly unsupported: readonly string[];
}

export interface FeedbackRule {
  readonly type: string;
  readonly jsonPaths?:
    | readonly { readonly name: string; readonly path: string; readonly version?: string | undefined }[]
    | undefined;
}

type Entry = NonNullable<Work['spec']['manifestConfigs']>[number];

/** Each facet comes from the first entry that has it; the scrape type from the last one. As OCM merges them. */
export function manifestConfig(work: Work, meta: ResourceMeta): ManifestConfig {
  const entries = (work.spec.manifestConfigs ?? []).filter((entry) => matches(entry, meta));
  const rules = entries.find(({ feedbackRules }) => (feedbackRules ?? []).length > 0)?.feedbackRules ?? [];
  const strategy = entries.find(({ updateStrategy }) => updateStrategy?.type !== undefined)?.updateStrategy;
  const apply = strategy?.serverSideApply as
    | { fieldManager?: string; force?: boolean; ignoreFields?: unknown[] }
    | undefined;
  const scrape = entries
    .filter(({ feedbackScrapeType }) => feedbackScrapeType !== undefined)
    .at(-1)?.feedbackScrapeType;
  const hasConditionRules = entries.some(
    (entry) => ((entry['conditionRules'] as unknown[] | undefined) ?? []).length > 0,
  );
  const type = strategy?.type ?? 'Update';
  return {
    feedbackRules: rules,
    isWatched: scrape === 'Watch',
    strategy: type === 'ReadOnly' ? 'Update' : type,
    fieldManager: apply?.fieldManager ?? 'work-agent',
    force: apply?.force ?? false,
    unsupported: [
      ...(type === 'ReadOnly' ? ['update strategy ReadOnly is'] : []),
      ...((apply?.ignoreFields ?? []).length > 0 ? ['serverSideApply.ignoreFields are'] : []),
      ...(hasConditionRules ? ['conditionRules are'] : []),
    ],
  };
}

function matches(
  { resourceIdentifier: { group = '', resource, name, namespace = '' } }: Entry,
  meta: ResourceMeta,
): boolean {
  return (
    group === meta.group &&
    resource === meta.resource &&
    wildcard(name, meta.name) &&
    wildcard(namespace, meta.namespace)
  );
}

/** `*` stands for any text, anywhere. */
function wildcard(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const [index, part] of rest.entries()) {
    const isLast = index === rest.length - 1;
    const found = isLast ? text.length - part.length : text.indexOf(part, at);
    if (found < at || (isLast && !text.endsWith(part))) return false;
    at = found + part.length;
  }
  return true;
}
