/** What users may say, as JSON Schema; the descriptions are the comments of values.yaml. */
export const VALUES_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  additionalProperties: false,
  required: ['image'],
  properties: {
    image: { type: 'string', minLength: 1, description: 'Image of the operator.' },
    mustGatherImage: {
      type: 'string',
      description: 'Image for oc adm must-gather; empty: that of the operator.',
    },
    pullSecret: { type: 'string', description: 'Secret in this namespace with the login of their registry.' },
    nodeSelector: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Labels of nodes that the operator may run on.',
    },
    tolerations: {
      type: 'array',
      items: { type: 'object' },
      description: 'Taints of nodes that the operator does not mind.',
    },
    env: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'More environment variables of the operator, such as HTTPS_PROXY.',
    },
    // Helm hands it to every chart.
    global: { type: 'object', description: 'Of a chart that this one is a part of.' },
  },
} as const;

const HOLES = {
  image: '{{ .Values.image | quote }}',
  mustGatherImage: '{{ .Values.mustGatherImage | default .Values.image | quote }}',
  namespace: '{{ .Release.Namespace }}',
  pullSecret: [
    '{{- with .Values.pullSecret }}',
    'imagePullSecrets:',
    '  - name: {{ . | quote }}',
    '{{- end }}',
  ],
  nodeSelector: blockOf('nodeSelector'),
  tolerations: blockOf('tolerations'),
  env: [
    '{{- range $name, $value := .Values.env }}',
    '- name: {{ $name | quote }}',
    '  value: {{ $value | quote }}',
    '{{- end }}',
  ],
} as const satisfies Record<string, string | readonly string[]>;

type HoleName = keyof typeof HOLES;

/** Stands in an object for what the template says there. A list in {@link HOLES} takes the whole line. */
export const hole = (name: HoleName) => `HOLE-${name}`;

/** Makes a template of YAML with holes: braces in it stay braces. */
export function fillHoles(yaml: string): string {
  return yaml
    .replaceAll('{{', '{{ "{{" }}')
    .replaceAll(/^( *)(.*?)HOLE-(\w+)$/gm, (_, indent, before, name) => {
      const filling: string | readonly string[] = HOLES[name as HoleName];
      return typeof filling === 'string'
        ? `${indent}${before}${filling}`
        : filling.map((line) => `${indent}${line.replace('INDENT', String(indent.length + 2))}`).join('\n');
    });
}

function blockOf(name: string): readonly string[] {
  return [`{{- with .Values.${name} }}`, `${name}:`, '  {{- toYaml . | nindent INDENT }}', '{{- end }}'];
}
