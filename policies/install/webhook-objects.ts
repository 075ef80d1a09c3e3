import { RESOURCES } from '@kmm-fleet/api';
import { apiVersionOf, CORE, type KubeObject, type ResourceType } from '@kmm-fleet/runtime';
import type { Edition } from './editions.ts';
import { type Certificates, WEBHOOK_PORT } from './webhook-names.ts';

/** What has the API server ask the operator about each Module, or ManagedClusterModule, before it is stored. */
export function webhookObjects(edition: Edition, podLabels: Readonly<Record<string, string>>): KubeObject[] {
  const { namespace, certificates } = edition;
  if (!certificates) return [];
  const { name } = edition.webhook;
  return [
    service(namespace, name, podLabels, certificates),
    ...(certificates === 'cert-manager' ? certManagerObjects(namespace, name) : []),
    configuration(edition, certificates),
  ];
}

function configuration(edition: Edition, certificates: Certificates): KubeObject {
  const { namespace, moduleKind } = edition;
  const { name, webhook, path } = edition.webhook;
  const annotations = {
    ...(certificates === 'cert-manager' && { 'cert-manager.io/inject-ca-from': `${namespace}/${name}` }),
    ...(certificates === 'service-ca' && { 'service.beta.openshift.io/inject-cabundle': 'true' }),
  };
  return {
    apiVersion: apiVersionOf(CORE.validatingWebhookConfiguration),
    kind: CORE.validatingWebhookConfiguration.kind,
    metadata: { name, ...(Object.keys(annotations).length > 0 && { annotations }) },
    webhooks: [
      {
        name: webhook,
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        // Nothing is lost by what passes: the controllers judge it again and touch nothing that is bad.
        failurePolicy: 'Ignore',
        timeoutSeconds: 5,
        rules: [rule(moduleKind)],
        clientConfig: { service: { namespace, name, path, port: 443 } },
      },
    ],
  };
}

const rule = ({ group, version, plural }: ResourceType) => ({
  apiGroups: [group],
  apiVersions: [version],
  operations: ['CREATE', 'UPDATE'],
  resources: [plural],
});

function service(
  namespace: string,
  name: string,
  selector: Readonly<Record<string, string>>,
  certificates: Certificates,
): KubeObject {
  const annotations = { 'service.beta.openshift.io/serving-cert-secret-name': name };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, ...(certificates === 'service-ca' && { annotations }) },
    spec: { selector, ports: [{ name: 'webhook', port: 443, targetPort: WEBHOOK_PORT }] },
  };
}

function certManagerObjects(namespace: string, name: string): KubeObject[] {
  const { issuer, certificate } = RESOURCES;
  const metadata = { namespace, name };
  return [
    { apiVersion: apiVersionOf(issuer), kind: issuer.kind, metadata, spec: { selfSigned: {} } },
    {
      apiVersion: apiVersionOf(certificate),
      kind: certificate.kind,
      metadata,
      spec: {
        dnsNames: [`${name}.${namespace}.svc`],
        issuerRef: { kind: issuer.kind, name },
        secretName: name,
      },
    },
  ];
}
