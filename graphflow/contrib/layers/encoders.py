"""Embeddings of sequences."""
from __future__ import annotations

from typing import Any

from ...array_ops import gather
from ...array_ops import unique as distinct_of
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.reduction import reduce_mean
from ...compiler.ops.slicing import concat
from ...compiler.ops.view import reshape, shape
from ...embedding import safe_embedding_lookup_sparse
from ...framework import name_scope
from ...nn import embedding_lookup
from ...variable_scope import variable_scope
from ..framework.variables import model_variable


def embedding_lookup_unique(params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None) -> Tensor:
    """`tf.nn.embedding_lookup` of each distinct id once."""
    x = convert_to_tensor(ids)
    with name_scope(name, "EmbeddingLookupUnique", [params, x]):
        distinct, index = distinct_of(reshape(x, [-1]))
        rows = gather(embedding_lookup(params, distinct, partition_strategy), index)
        found = reshape(rows, concat([shape(x), shape(rows)[1:]], 0))
        if x.dims is not None and rows.dims is not None:
            found.set_shape((*x.shape.as_list(), *rows.shape.as_list()[1:]))
        return found


def embed_sequence(ids: Any, vocab_size: int | None = None, embed_dim: int | None = None, unique: bool = False,
                   initializer: Any = None, regularizer: Any = None, trainable: bool = True, scope: Any = None,
                   reuse: Any = None) -> Tensor:
    """[batch, length] of ids as [batch, length, embed_dim], from a variable `embeddings` [vocab_size, embed_dim]."""
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError("Must specify vocab size and embedding dimension when not reusing. Got vocab_size="
                         f"{vocab_size} and embed_dim={embed_dim}")
    with variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        size = None if reuse and vocab_size is None or embed_dim is None else [vocab_size, embed_dim]
        embeddings = model_variable("embeddings", size, initializer=initializer, regularizer=regularizer,
                                    trainable=trainable)
        return (embedding_lookup_unique if unique else embedding_lookup)(embeddings, ids)


def bow_encoder(ids: Any, vocab_size: int, embed_dim: int, sparse_lookup: bool = True, initializer: Any = None,
                regularizer: Any = None, trainable: bool = True, scope: Any = None, reuse: Any = None) -> Tensor:
    """The mean of the embeddings of each row of ids."""
    if not vocab_size or not embed_dim:
        raise ValueError("Must specify vocab size and embedding dimension")
    with variable_scope(scope, "bow_encoder", [ids], reuse=reuse):
        embeddings = model_variable("embeddings", [vocab_size, embed_dim], initializer=initializer,
                                    regularizer=regularizer, trainable=trainable)
        if hasattr(ids, "dense_shape"):
            return safe_embedding_lookup_sparse([embeddings], ids, combiner="mean", default_id=0)
        return reduce_mean(embedding_lookup(embeddings, ids), 1)
