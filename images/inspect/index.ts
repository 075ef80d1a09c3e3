/** Looking into module images: what they hold for kernels, what is wrong with it, and what its signatures are worth. */
export type { ImageContents, KernelFolder, ModuleFile } from './image-contents.ts';
export { imageWarnings } from './image-warnings.ts';
export { type OpenedImage, openImage } from './open-image.ts';
export { readImage } from './read-image.ts';
export { type VerifiedModule, verifyImage } from './verify-image.ts';
