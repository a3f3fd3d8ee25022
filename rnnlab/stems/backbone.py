"""A network of `keras.applications`: a vector for each frame, learnt from pictures elsewhere."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Sequence
from typing import Any, Literal

from pydantic import Field as Key
from pydantic import model_validator

from rnnlab.errors import DataError, told
from rnnlab.places import Places
from rnnlab.signature import Field
from rnnlab.stems._frames import FrameStem

# Keras' names, by the module that holds the network and what it does to pixels before.
NETWORKS = {
    "ConvNeXtTiny": "convnext",
    "ConvNeXtSmall": "convnext",
    "ConvNeXtBase": "convnext",
    "DenseNet121": "densenet",
    "DenseNet169": "densenet",
    "DenseNet201": "densenet",
    "EfficientNetB0": "efficientnet",
    "EfficientNetB1": "efficientnet",
    "EfficientNetB2": "efficientnet",
    "EfficientNetB3": "efficientnet",
    "EfficientNetB4": "efficientnet",
    "EfficientNetV2B0": "efficientnet_v2",
    "EfficientNetV2B1": "efficientnet_v2",
    "EfficientNetV2B2": "efficientnet_v2",
    "EfficientNetV2B3": "efficientnet_v2",
    "EfficientNetV2S": "efficientnet_v2",
    "InceptionResNetV2": "inception_resnet_v2",
    "InceptionV3": "inception_v3",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Large": "mobilenet_v3",
    "MobileNetV3Small": "mobilenet_v3",
    "NASNetMobile": "nasnet",
    "ResNet50": "resnet",
    "ResNet101": "resnet",
    "ResNet152": "resnet",
    "ResNet50V2": "resnet_v2",
    "ResNet101V2": "resnet_v2",
    "ResNet152V2": "resnet_v2",
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "Xception": "xception",
}
IMAGENET = "imagenet"
# What Keras and h5py raise where weights can't be fetched, are damaged, or are of another network.
FAULTS = (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile)


class Backbone(FrameStem):
    """A convolutional network as others published it, over each frame by itself, and the mean over its last pixels.

    Pixels are brought to what the network was trained on, in the network. Its batch normalisation keeps the statistics
    that it came with, also where its weights are trained on: then nothing of a batch enters an answer. To fine-tune in
    stages, train with `trained_layers: 0`, and go on from that run (`--from RUN`) with more of them and a smaller
    learning rate.
    """

    network: Literal[tuple(NETWORKS)] = Key("MobileNetV2", description="its name in keras.applications")  # type: ignore[valid-type]
    weights: str | None = Key(
        IMAGENET,
        description="imagenet: those of Keras, from the network where they were not fetched before; or a file of "
        "weights, .weights.h5 or .keras; null: drawn at random",
    )
    trained_layers: int | Literal["all"] | None = Key(
        None, description="how many of its last layers are trained; default: none, or all where weights is null"
    )
    dropout: float = Key(0.0, ge=0, lt=1, description="share of each frame's vector dropped in training")

    @model_validator(mode="after")
    def _learns(self) -> Backbone:
        if isinstance(self.trained_layers, int) and self.trained_layers < 0:
            raise ValueError(f"trained_layers: expected 0 or more, or all; received {self.trained_layers}")
        if self.weights is None and self.trained_layers == 0:
            raise ValueError("trained_layers: 0 would keep weights that were drawn at random; name weights, or all")
        return self

    def vectors(self, frames: Any, lengths: Any, of: str = "frame") -> Any:
        import keras

        from rnnlab.layers.frames import FoldTime, UnfoldTime
        from rnnlab.layers.randomness import Dropout

        module = getattr(keras.applications, NETWORKS[self.network])
        size = (*frames.shape[2:4], 3)
        own: dict[str, Any] = {"include_top": False, "weights": None, "input_shape": size, "pooling": "avg"}
        network = getattr(keras.applications, self.network)(**own, name=f"{of}_backbone")
        self._freeze(network)
        folded = FoldTime(channels=3, name=f"{of}_folded")(frames)  # (B · T, H, W, 3) of 0 to 255
        vectors = network(module.preprocess_input(folded), training=False)
        return Dropout(self.dropout, name=f"{of}_dropout")(UnfoldTime(name=f"{of}_unfolded")(vectors, frames))

    def _freeze(self, network: Any) -> None:
        trained = self.trained_layers
        if trained is None:
            trained = 0 if self.weights else "all"
        if trained == "all":
            return
        layers = network.layers
        if trained > len(layers):
            raise DataError(
                f"stem: trained_layers: expected at most {len(layers)}, the layers of {self.network}, or all; received "
                f"{trained}"
            )
        for layer in layers[: len(layers) - trained]:
            layer.trainable = False

    def begin(self, network: Any, field: Field, places: Places, given: Collection[str] = frozenset()) -> Sequence[str]:
        return begin_backbones(self, network, ("frame",), places, given)


def begin_backbones(
    stem: FrameStem, network: Any, names: Sequence[str], places: Places, given: Collection[str] = frozenset()
) -> list[str]:
    """Give backbones the weights that their stem names; return what the user should know.

    Args:
        stem: any; only a backbone has weights to begin with.
        network: built, before the first step.
        names: what the layers' names of each begin with.
        places: where the spec's paths are looked for.
        given: see `Stem.begin`.

    Raises:
        DataError: the weights can't be had.
    """
    if not isinstance(stem, Backbone) or stem.weights is None:
        return []
    wanted = [layer for layer in (f"{name}_backbone" for name in names) if layer not in given]
    if not wanted:
        return []
    for layer in wanted:
        _load(stem, network.get_layer(layer), places)
    return [f"stem: {stem.network} begins with weights of {stem.weights}"]


def _load(stem: Backbone, own: Any, places: Places) -> None:
    try:
        if stem.weights == IMAGENET:
            own.set_weights(_published(stem.network, own.input_shape[1:]).get_weights())
        else:
            own.load_weights(str(places.find(str(stem.weights), "weights")))
    except FAULTS as error:
        remedy = "; without a network, give a file of weights" if stem.weights == IMAGENET else ""
        raise DataError(f"stem: the weights of {stem.network} can't be had: {told(error)}{remedy}") from error


def _published(name: str, shape: tuple[int, ...]) -> Any:
    """Return a network with the weights of Keras, which it fetches where they were not fetched before."""
    import keras

    try:
        return getattr(keras.applications, name)(include_top=False, input_shape=shape, pooling="avg")
    except Exception as error:
        # Where a server can't be reached or refuses, `keras.utils.get_file` raises an Exception of no kind of its own,
        # which nothing narrower catches; whatever has a kind goes on as it is.
        if type(error) is not Exception:
            raise
        raise OSError(told(error)) from error
