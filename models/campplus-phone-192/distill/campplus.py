"""CAM++ in PyTorch, for training: the network that ../campplus-zh-en-192/network.py writes as an ONNX graph.

Parameters carry the names of the published checkpoint, so that it loads as it is and what training
writes is converted by the same script. Batch norms stay as published: their statistics are constants."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MELS, DIMENSION = 80, 192
HEAD, GROWTH, BOTTLENECK = 32, 32, 128
BLOCKS = [(12, 1), (24, 2), (16, 2)]  # layers, dilation
SEGMENT = 100  # half-rate frames that share one local context


class Norm(nn.Module):
    """A batch norm with constant statistics: one scale and one offset a channel."""

    def __init__(self, channels: int, affine: bool = True):
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        if affine:
            self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.affine = affine

    def scale_offset(self) -> tuple[Tensor, Tensor]:
        scale = (self.running_var + 1e-5).rsqrt()
        offset = -self.running_mean * scale
        return (scale * self.weight, offset * self.weight + self.bias) if self.affine else (scale, offset)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = (self.weight, self.bias) if self.affine else (None, None)
        return F.batch_norm(x, self.running_mean, self.running_var, weight, bias, training=False, eps=1e-5)


def conv_norm(x: Tensor, conv: nn.Module, norm: Norm) -> Tensor:
    """The convolution with its batch norm folded in: one pass over the data instead of two."""
    scale, offset = norm.scale_offset()
    weight = conv.weight * scale.view([-1] + [1] * (conv.weight.ndim - 1))
    f = F.conv2d if weight.ndim == 4 else F.conv1d
    return f(x, weight, offset, conv.stride, conv.padding, conv.dilation)


def named(**modules: nn.Module) -> nn.Module:
    out = nn.Module()
    for name, module in modules.items():
        out.add_module(name, module)
    return out


class Residual(nn.Module):
    def __init__(self, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(HEAD, HEAD, 3, (stride, 1), 1, bias=False)
        self.bn1 = Norm(HEAD)
        self.conv2 = nn.Conv2d(HEAD, HEAD, 3, 1, 1, bias=False)
        self.bn2 = Norm(HEAD)
        self.shortcut = nn.Sequential(nn.Conv2d(HEAD, HEAD, 1, (stride, 1), bias=False), Norm(HEAD)) if stride > 1 else nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(conv_norm(x, self.conv1, self.bn1))
        y = conv_norm(y, self.conv2, self.bn2)
        return F.relu(y + (conv_norm(x, *self.shortcut) if len(self.shortcut) else x))


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, HEAD, 3, 1, 1, bias=False)
        self.bn1 = Norm(HEAD)
        self.layer1 = nn.Sequential(Residual(2), Residual(1))
        self.layer2 = nn.Sequential(Residual(2), Residual(1))
        self.conv2 = nn.Conv2d(HEAD, HEAD, 3, (2, 1), 1, bias=False)
        self.bn2 = Norm(HEAD)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(conv_norm(x.unsqueeze(1), self.conv1, self.bn1))
        x = self.layer2(self.layer1(x))
        return F.relu(conv_norm(x, self.conv2, self.bn2)).flatten(1, 2)


class Cam(nn.Module):
    def __init__(self, dilation: int):
        super().__init__()
        self.linear_local = nn.Conv1d(BOTTLENECK, GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(BOTTLENECK, BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(BOTTLENECK // 2, GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        context = x.mean(-1, keepdim=True) + F.avg_pool1d(x, SEGMENT, SEGMENT, ceil_mode=True)
        mask = torch.sigmoid(self.linear2(F.relu(self.linear1(context))))
        mask = mask.repeat_interleave(SEGMENT, -1)[..., : x.shape[-1]]
        return self.linear_local(x) * mask


class Dense(nn.Module):
    def __init__(self, channels: int, dilation: int):
        super().__init__()
        self.nonlinear1 = named(batchnorm=Norm(channels))
        self.linear1 = nn.Conv1d(channels, BOTTLENECK, 1, bias=False)
        self.nonlinear2 = named(batchnorm=Norm(BOTTLENECK))
        self.cam_layer = Cam(dilation)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.nonlinear1.batchnorm(x))
        y = F.relu(conv_norm(y, self.linear1, self.nonlinear2.batchnorm))
        return torch.cat([x, self.cam_layer(y)], 1)


class CamPlusPlus(nn.Module):
    """Log-mel frames [batch, frames, 80], their mean over time subtracted, to embeddings [batch, 192]."""

    def __init__(self):
        super().__init__()
        self.head = Head()
        x = self.xvector = nn.Module()
        x.tdnn = named(linear=nn.Conv1d(HEAD * MELS // 8, BOTTLENECK, 5, 2, 2, bias=False), nonlinear=named(batchnorm=Norm(BOTTLENECK)))
        channels = BOTTLENECK
        for i, (layers, dilation) in enumerate(BLOCKS, 1):
            x.add_module(f"block{i}", named(**{f"tdnnd{j + 1}": Dense(channels + j * GROWTH, dilation) for j in range(layers)}))
            channels += layers * GROWTH
            x.add_module(f"transit{i}", named(nonlinear=named(batchnorm=Norm(channels)), linear=nn.Conv1d(channels, channels // 2, 1, bias=False)))
            channels //= 2
        x.out_nonlinear = named(batchnorm=Norm(channels))
        x.dense = named(linear=nn.Conv1d(2 * channels, DIMENSION, 1, bias=False), nonlinear=named(batchnorm=Norm(DIMENSION, affine=False)))

    def forward(self, features: Tensor) -> Tensor:
        v = self.xvector
        x = self.head(features.transpose(1, 2))
        x = F.relu(conv_norm(x, v.tdnn.linear, v.tdnn.nonlinear.batchnorm))
        for i in range(1, len(BLOCKS) + 1):
            for layer in getattr(v, f"block{i}").children():
                x = layer(x)
            transit = getattr(v, f"transit{i}")
            x = transit.linear(F.relu(transit.nonlinear.batchnorm(x)))
        x = F.relu(v.out_nonlinear.batchnorm(x)).float()
        # A channel that stays silent has no deviation, whose gradient must still be a number.
        deviation = (x.var(-1, unbiased=True) + 1e-12).sqrt()
        stats = torch.cat([x.mean(-1), deviation], -1)
        return v.dense.nonlinear.batchnorm(v.dense.linear(stats.unsqueeze(-1)).squeeze(-1))


def load(checkpoint) -> CamPlusPlus:
    """The network with the weights of a checkpoint file."""
    network = CamPlusPlus()
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    return network
