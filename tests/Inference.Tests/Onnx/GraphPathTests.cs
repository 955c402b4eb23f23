using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx;

/// <summary>Selection of the graph by device and precision.</summary>
[TestClass]
public sealed class GraphPathTests
{
    /// <summary>Integer arithmetic has kernels for CPUs only; on a GPU, or on request, the float32 graphs of the same weights are used. Float models have one pair of graphs.</summary>
    [TestMethod]
    public void GraphPath_OfEveryPrecision_FollowsTheDevice()
    {
        ModelFolder integers = ModelFolder.Open(Files.Default), float16 = ModelFolder.Open(Files.InPrecision("float16")), float32 = ModelFolder.Open(Files.Tiny);
        foreach (bool useCache in (bool[])[false, true])
        {
            string name = useCache ? "model_cached" : "model";
            string? Name(ModelFolder folder, ExecutionSettings execution) => Path.GetFileName(folder.GraphPath(execution, useCache));
            Assert.AreEqual($"{name}.onnx", Name(integers, new ExecutionSettings(Device.Cpu)));
            Assert.AreEqual($"{name}_float32.onnx", Name(integers, new ExecutionSettings(Device.Cpu, Float32: true)));
            foreach (Device device in (Device[])[Device.Cuda, Device.TensorRT])
            {
                Assert.AreEqual($"{name}_float32.onnx", Name(integers, new ExecutionSettings(device)));
                Assert.AreEqual($"{name}.onnx", Name(float16, new ExecutionSettings(device)));
                Assert.AreEqual($"{name}.onnx", Name(float32, new ExecutionSettings(device)));
            }

            Assert.AreEqual($"{name}.onnx", Name(float32, new ExecutionSettings(Device.Cpu, Float32: true)));
        }

        Assert.ThrowsExactly<ModelFolderException>(() => float16.GraphPath(new ExecutionSettings(Device.Cpu, Float32: true), useCache: true));
        Assert.ThrowsExactly<DeviceNotAvailableException>(() => ModelFolder.Open(Files.InPrecision("int8")).GraphPath(new ExecutionSettings(Device.Cuda), useCache: true));
    }
}
