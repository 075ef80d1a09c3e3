/** Who makes the certificate of the webhook: the operator, cert-manager, OpenShift's service CA, or OLM. */
export const CERTIFICATES = ['own', 'cert-manager', 'service-ca', 'olm'] as const;
export type Certificates = (typeof CERTIFICATES)[number];

export const WEBHOOK_PORT = 9443;
/** Where OLM puts what it makes, and so the others. */
export const CERTIFICATE_FOLDER = '/tmp/k8s-webhook-server/serving-certs';
