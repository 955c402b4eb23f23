namespace AsArm.Inference.Tests;

/// <summary>Which graph of a folder runs where.</summary>
[TestClass]
public sealed class GraphPathTests
{
    /// <summary>Integer products have kernels on CPUs only; on a GPU, or asked for, the same integers are taken in float32. Float models have one pair of graphs.</summary>
    [TestMethod]
    public void GraphPath_OfEveryPrecision_FollowsTheDevice()
    {
        ModelFolder integers = ModelFolder.Open(Files.Default), float16 = ModelFolder.Open(Files.InPrecision("float16")), float32 = ModelFolder.Open(Files.Tiny);
        foreach (bool useCache in (bool[])[false, true])
        {
            string name = useCache ? "model_cached" : "model";
            string? Name(ModelFolder folder, Placement placement) => Path.GetFileName(folder.GraphPath(placement, useCache));
            Assert.AreEqual($"{name}.onnx", Name(integers, new Placement(Device.Cpu)));
            Assert.AreEqual($"{name}_float32.onnx", Name(integers, new Placement(Device.Cpu, Float32: true)));
            foreach (Device device in (Device[])[Device.Cuda, Device.TensorRT])
            {
                Assert.AreEqual($"{name}_float32.onnx", Name(integers, new Placement(device)));
                Assert.AreEqual($"{name}.onnx", Name(float16, new Placement(device)));
                Assert.AreEqual($"{name}.onnx", Name(float32, new Placement(device)));
            }

            Assert.AreEqual($"{name}.onnx", Name(float32, new Placement(Device.Cpu, Float32: true)));
        }

        Assert.ThrowsExactly<ModelFolderException>(() => float16.GraphPath(new Placement(Device.Cpu, Float32: true), useCache: true));
        Assert.ThrowsExactly<DeviceNotAvailableException>(() => ModelFolder.Open(Files.InPrecision("int8")).GraphPath(new Placement(Device.Cuda), useCache: true));
    }
}
