import * as z from 'zod';

/** Media types of the OCI image specification and of Docker's registry. */
export const MEDIA_TYPES = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

export const Descriptor = z.looseObject({
  mediaType: z.string(),
  digest: Digest,
  size: z.int().min(0),
});
export type Descriptor = z.infer<typeof Descriptor>;

export const ImageManifest = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  config: Descriptor,
  layers: z.array(Descriptor).max(512),
});
export type ImageManifest = z.infer<typeof ImageManifest>;

export const ImageIndex = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  manifests: z
    .array(
      Descriptor.extend({ platform: z.looseObject({ os: z.string(), architecture: z.string() }).optional() }),
    )
    .max(512),
});

export const ImageConfig = z.looseObject({
  architecture: z.string().optional(),
  os: z.string().optional(),
  config: z
    .looseObject({
      Labels: z.record(z.string(), z.string()).nullish(),
      Env: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      WorkingDir: z.string().nullish(),
    })
    .nullish(),
  rootfs: z.looseObject({ type: z.string(), diff_ids: z.array(Digest) }),
  history: z.array(z.record(z.string(), z.unknown())).nullish(),
});
export type ImageConfig = z.infer<typeof ImageConfig>;

/** How a registry is spoken to for one call. */
export interface RegistryAccess {
  /** Text of a `.dockerconfigjson`. */
  readonly dockerConfig?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly insecureSkipTLSVerify?: boolean | undefined;
}

/** Bytes of the largest manifest and config that are read: what registries themselves allow. */
export const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
