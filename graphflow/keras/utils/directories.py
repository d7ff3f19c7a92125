"""Data sets of files in a folder whose subfolders are classes."""
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...data import Dataset
from ...script_ops import numpy_function
from .image_utils import data_format_of, img_to_array, load_img, middle, padded, resized
from .io_utils import files_below
from .progbar import print_message

IMAGE_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
COLOR_MODES = {"rgb": 3, "rgba": 4, "grayscale": 1}
INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")

Read = Callable[[str], np.ndarray]


def image_dataset_from_directory(
        directory: Any, labels: Any = "inferred", label_mode: str | None = "int", class_names: Any = None,
        color_mode: str = "rgb", batch_size: int | None = 32, image_size: Any = (256, 256), shuffle: bool = True,
        seed: int | None = None, validation_split: float | None = None, subset: str | None = None,
        interpolation: str = "bilinear", follow_links: bool = False, crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False, data_format: str | None = None, format: str = "tf",
        verbose: bool = True) -> Any:
    """A data set of batches (images, labels) of the image files below a folder, float32 from 0 to 255 (uint8 for the
    interpolation "nearest").

    `labels`: "inferred" (from subfolders), None, or one integer for each file in alphabetical order. `label_mode`:
    "int" (int32), "categorical" (one-hot), "binary" (float32, (batch, 1)) or None. `subset`: "training", "validation"
    or "both" (two data sets), split by `validation_split`. The data set has `class_names` and `file_paths`. Raises
    ValueError for arguments that do not fit, and where there are no files.
    """
    if color_mode not in COLOR_MODES:
        raise ValueError('`color_mode` must be one of {"rgb", "rgba", "grayscale"}. '
                         f"Received: color_mode={color_mode}")
    size: Any = (image_size, image_size) if isinstance(image_size, int) else image_size
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise ValueError(f"Invalid `image_size` value. Expected a tuple of 2 integers. Received: image_size={size}")
    interpolation = interpolation.lower()
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"Argument `interpolation` should be one of {INTERPOLATIONS}. "
                         f"Received: interpolation={interpolation}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be set to `True`.")
    first = data_format_of(data_format) == "channels_first"
    dtype = np.uint8 if interpolation == "nearest" else np.float32

    def read(path: str) -> np.ndarray:
        with load_img(path, color_mode) as image:
            pixels = img_to_array(image, "channels_last", dtype)
        if pad_to_aspect_ratio:
            pixels = padded(pixels, size, interpolation)
        else:
            if crop_to_aspect_ratio:
                top, left, height, width = middle((pixels.shape[0], pixels.shape[1]), (size[0], size[1]))
                pixels = pixels[top:top + height, left:left + width]
            pixels = resized(pixels, size, interpolation)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1)) if first else pixels

    channels = COLOR_MODES[color_mode]
    shape = (channels, *size) if first else (*size, channels)
    return _from_files("images", read, dtype, shape, directory, labels, label_mode, class_names, IMAGE_FORMATS,
                       batch_size, shuffle, seed, validation_split, subset, follow_links, format, verbose)


def text_dataset_from_directory(
        directory: Any, labels: Any = "inferred", label_mode: str | None = "int", class_names: Any = None,
        batch_size: int | None = 32, max_length: int | None = None, shuffle: bool = True, seed: int | None = None,
        validation_split: float | None = None, subset: str | None = None, follow_links: bool = False,
        format: str = "tf", verbose: bool = True) -> Any:
    """A data set of batches (texts, labels) of the .txt files below a folder, strings of at most `max_length` bytes.

    The other arguments are as for `image_dataset_from_directory`.
    """
    def read(path: str) -> np.ndarray:
        with open(path, "rb") as file:
            return np.array(file.read() if max_length is None else file.read(max_length), object)

    return _from_files("text files", read, "string", (), directory, labels, label_mode, class_names, (".txt",),
                       batch_size, shuffle, seed, validation_split, subset, follow_links, format, verbose)


def audio_dataset_from_directory(
        directory: Any, labels: Any = "inferred", label_mode: str | None = "int", class_names: Any = None,
        batch_size: int | None = 32, sampling_rate: int | None = None, output_sequence_length: int | None = None,
        ragged: bool = False, shuffle: bool = True, seed: int | None = None, validation_split: float | None = None,
        subset: str | None = None, follow_links: bool = False, verbose: bool = True) -> Any:
    """A data set of batches (sounds, labels) of the 16-bit .wav files below a folder, float32 (samples, channels) from
    -1 to 1.

    Sounds are cut or padded with zeros to `output_sequence_length`, else to the longest of their batch. Files must have
    the `sampling_rate`, if one is given. The other arguments are as for `image_dataset_from_directory`.
    """
    if ragged:
        raise ValueError("Ragged tensors are not supported: sounds of a batch are padded with zeros.")

    def read(path: str) -> np.ndarray:
        return wav_samples(path, output_sequence_length, sampling_rate)

    return _from_files("audio files", read, np.float32, (output_sequence_length, None), directory, labels, label_mode,
                       class_names, (".wav",), batch_size, shuffle, seed, validation_split, subset, follow_links, "tf",
                       verbose, padded_batches=output_sequence_length is None)


def wav_samples(path: str, length: int | None, rate: int | None = None) -> np.ndarray:
    """The samples of a 16-bit .wav file, float32 (samples, channels). Raises ValueError for another width or rate."""
    import wave
    try:
        with wave.open(path, "rb") as file:
            if file.getsampwidth() != 2:
                raise ValueError(f"{path} has {8 * file.getsampwidth()} bits per sample; 16 are supported.")
            if rate is not None and file.getframerate() != rate:
                raise ValueError(f"{path} has {file.getframerate()} samples per second, `sampling_rate` is {rate}.")
            channels = file.getnchannels()
            samples = np.frombuffer(file.readframes(file.getnframes() if length is None else length), "<i2")
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path} is not a .wav file that can be read: {error}") from None
    sound = samples.reshape(-1, channels).astype(np.float32) / 32768
    return sound if length is None else np.pad(sound, ((0, length - len(sound)), (0, 0)))


def _from_files(what: str, read: Read, dtype: Any, shape: tuple[int | None, ...], directory: Any, labels: Any,
                label_mode: str | None, class_names: Any, formats: tuple[str, ...], batch_size: int | None,
                shuffle: bool, seed: int | None, validation_split: float | None, subset: str | None,
                follow_links: bool, format: str, verbose: bool, padded_batches: bool = False) -> Any:
    """The data set, or two for the subset "both"."""
    if labels not in ("inferred", None) and not isinstance(labels, (list, tuple)):
        raise ValueError(f"`labels` argument should be a list/tuple of integer labels, one for each of the {what} in "
                         'the target directory, "inferred" (from the subdirectory names) or None. Received: '
                         f"labels={labels}")
    if labels not in ("inferred", None) and class_names:
        raise ValueError(f'You can only pass `class_names` if `labels="inferred"`. Received: labels={labels}, and '
                         f"class_names={class_names}")
    if label_mode not in ("int", "categorical", "binary", None):
        raise ValueError('`label_mode` argument must be one of "int", "categorical", "binary", or None. Received: '
                         f"label_mode={label_mode}")
    if format != "tf":
        raise ValueError(f'`format` should be "tf". Received: format={format}')
    _check_split(validation_split, subset, shuffle, seed)
    if labels is None or label_mode is None:
        labels = label_mode = None
    seed = np.random.randint(1_000_000) if seed is None else seed
    paths, numbers, names = index_directory(directory, labels, formats, class_names, shuffle, seed, follow_links,
                                            verbose)
    if label_mode == "binary" and len(names or ()) != 2:
        raise ValueError('When passing `label_mode="binary"`, there must be exactly 2 class_names. Received: '
                         f"class_names={names}")

    def made(part: str | None) -> Any:
        chosen = _part(len(paths), validation_split, part)
        files = paths[chosen]
        if not files:
            kind = f"{part} {what}" if subset == "both" else what
            raise ValueError(f"No {kind} found in directory {directory}. Allowed formats: {formats}")
        dataset: Any = Dataset.from_tensor_slices(np.array(files, object))
        if label_mode is not None and numbers is not None:
            targets = _targets(np.asarray(numbers[chosen]), label_mode, len(names or ()))
            dataset = Dataset.zip((dataset, Dataset.from_tensor_slices(targets)))
        if shuffle and not (subset == "both" and part == "validation"):
            dataset = dataset.shuffle(1024 if batch_size is None else batch_size * 8, seed=seed)
        dataset = dataset.map(_reader(read, dtype, shape), num_parallel_calls=-1)
        if batch_size is not None:
            dataset = dataset.padded_batch(batch_size) if padded_batches else dataset.batch(batch_size)
        dataset = dataset.prefetch(2)
        dataset.class_names, dataset.file_paths = names, files
        return dataset

    return [made("training"), made("validation")] if subset == "both" else made(subset)


def _reader(read: Read, dtype: Any, shape: tuple[int | None, ...]) -> Callable[..., Any]:
    def element(path: Any, *label: Any) -> Any:
        value = numpy_function(lambda p: read(os.fsdecode(np.asarray(p).item())), [path], dtype)
        value.set_shape(shape)
        return (value, *label) if label else value

    return element


def _targets(numbers: np.ndarray, label_mode: str, classes: int) -> np.ndarray:
    if label_mode == "binary":
        return numbers.astype(np.float32)[:, None]
    return np.eye(classes, dtype=np.float32)[numbers] if label_mode == "categorical" else numbers.astype(np.int32)


def _check_split(validation_split: float | None, subset: str | None, shuffle: bool, seed: int | None) -> None:
    if validation_split and not 0 < validation_split < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1, received: {validation_split}")
    if bool(validation_split) != bool(subset):
        raise ValueError("If `subset` is set, `validation_split` must be set, and inversely.")
    if subset not in ("training", "validation", "both", None):
        raise ValueError(f'`subset` must be either "training", "validation" or "both", received: {subset}')
    if validation_split and shuffle and seed is None:
        raise ValueError("If using `validation_split` and shuffling the data, you must provide a `seed` argument, to "
                         "make sure that there is no overlap between the training and validation subset.")


def _part(count: int, validation_split: float | None, subset: str | None) -> slice:
    """Validation samples are the last ones."""
    if not validation_split:
        return slice(None)
    held = int(validation_split * count)
    print_message(f"Using {count - held if subset == 'training' else held} files for {subset}.")
    return slice(count - held) if subset == "training" else slice(count - held, None)


def index_directory(directory: Any, labels: Any, formats: tuple[str, ...], class_names: Sequence[str] | None = None,
                    shuffle: bool = True, seed: int | None = None, follow_links: bool = False, verbose: bool = True
                    ) -> tuple[list[str], Any, list[str] | None]:
    """(paths, labels, class names) of the files below a folder: by class, then by name, or shuffled by the seed."""
    folders = [""]
    if labels == "inferred":
        folders = sorted(e.name for e in os.scandir(directory) if e.is_dir() and not e.name.startswith("."))
        if class_names is not None:
            if not set(class_names) <= set(folders):
                raise ValueError("The `class_names` passed did not match the names of the subdirectories of the target "
                                 f"directory. Expected: {folders} (or a subset of it), but received: "
                                 f"class_names={class_names}")
            folders = list(class_names)
    elif class_names is not None:
        raise ValueError("`class_names` can only be specified where labels are inferred. Received: "
                         f"class_names={class_names}")
    found = [files_below(os.path.join(directory, folder), formats, follow_links) for folder in folders]
    paths = [path for part in found for path in part]
    names: list[str] | None = folders
    if labels == "inferred":
        labels = np.repeat(np.arange(len(folders), dtype=np.int32), [len(part) for part in found])
    elif labels is None:
        names = None
    elif len(labels) != len(paths):
        raise ValueError("Expected the lengths of `labels` to match the number of files in the target directory. "
                         f"len(labels) is {len(labels)} while we found {len(paths)} files in directory {directory}.")
    else:
        labels, names = list(labels), [str(label) for label in sorted(set(labels))]
    if verbose:
        classes = "" if names is None else f" belonging to {len(names)} classes"
        print_message(f"Found {len(paths)} files{classes}.")
    if shuffle:
        for values in (paths, labels):
            if values is not None:
                np.random.RandomState(seed).shuffle(values)
    return paths, labels, names
