using AsArm.Inference.Devices;

namespace AsArm.Inference.Tests.Devices;

/// <summary>Names of devices.</summary>
[TestClass]
public sealed class DeviceTests
{
    [TestMethod]
    [DataRow("cpu", "cpu", "cpu", 0)]
    [DataRow("CPU", "cpu", "cpu", 0)]
    [DataRow("CPUExecutionProvider", "cpu", "cpu", 0)]
    [DataRow("cpu:0", "cpu", "cpu", 0)]
    [DataRow("cuda", "cuda", "cuda", 0)]
    [DataRow("Cuda:1", "cuda:1", "cuda", 1)]
    [DataRow("cuda:0", "cuda", "cuda", 0)]
    [DataRow("CUDAExecutionProvider:12", "cuda:12", "cuda", 12)]
    [DataRow("TensorRT", "tensorrt", "tensorrt", 0)]
    [DataRow("TensorrtExecutionProvider", "tensorrt", "tensorrt", 0)]
    [DataRow("OpenVINO", "OpenVINO", "OpenVINO", 0)]
    [DataRow("my_ep-1.2:3", "my_ep-1.2:3", "my_ep-1.2", 3)]
    public void Parse_Device_IsReadAndWrittenAgain(string text, string written, string name, int id)
    {
        Device device = Device.Parse(text);
        Assert.AreEqual((written, name, id), (device.ToString(), device.Name, device.Id));
        Assert.AreEqual(device, Device.Parse(device.ToString()));
        Assert.AreEqual(device, Device.Provider(name, id));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow(" ")]
    [DataRow(":1")]
    [DataRow("cuda:")]
    [DataRow("cuda:x")]
    [DataRow("cuda:-1")]
    [DataRow("cuda: 1")]
    [DataRow("cuda:1:2")]
    [DataRow("cuda:99999999999")]
    [DataRow("cpu:1")]
    [DataRow("cu da")]
    [DataRow("cuda\n")]
    public void Parse_NoDevice_IsRefusedInOneLine(string text)
    {
        Assert.IsFalse(Device.TryParse(text, out Device device));
        Assert.AreEqual(Device.Cpu, device);
        StringAssert.StartsWith(Assert.ThrowsExactly<FormatException>(() => Device.Parse(text)).Message, $"'{text}' is not a device");
    }

    [TestMethod]
    public void Equality_NameAndNumber_CountWithoutCase()
    {
        Assert.AreEqual(Device.Cpu, default);
        Assert.IsTrue(Device.Cuda == Device.Parse("CUDA") && Device.Cuda != Device.Cuda.WithId(1) && Device.Cuda != Device.TensorRT);
        Assert.AreEqual(Device.Provider("openvino"), Device.Provider("OpenVINO"));
        Assert.AreEqual(Device.Provider("openvino").GetHashCode(), Device.Provider("OpenVINO").GetHashCode());
        CollectionAssert.AreEqual(new[] { "cpu", "cuda", "tensorrt" }, Device.WellKnown.Select(device => device.ToString()).ToArray());
    }

    [TestMethod]
    public void Provider_OfABadNameOrNumber_IsRefused()
    {
        Assert.ThrowsExactly<ArgumentException>(() => Device.Provider("a b"));
        Assert.ThrowsExactly<ArgumentException>(() => Device.Provider(""));
        Assert.ThrowsExactly<ArgumentException>(() => Device.Provider("cpu", 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Device.Cuda.WithId(-1));
    }
}
