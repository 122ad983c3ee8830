/** A photograph made small and drawn anew: what a telephone writes into its files (place, time, device) does not come along. */

const SIDE_PX_MAX = 1_600;
const QUALITY = 0.8;
/** The server takes no larger one. */
export const PHOTO_BYTES_MAX = 1_500_000;

/** @param {File} file @returns {Promise<Blob|null>} null when it is no picture */
export async function smaller(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
  const share = Math.min(1, SIDE_PX_MAX / Math.max(picture.width, picture.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(picture.width * share));
  canvas.height = Math.max(1, Math.round(picture.height * share));
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve) => { canvas.toBlob(resolve, 'image/jpeg', QUALITY); });
}
