using System.Buffers.Binary;
using System.Text;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.ModelFolders;

[TestClass]
public sealed class SafetensorsTests
{
    [TestMethod]
    public void Read_HandWrittenFile_GivesItsValues()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.In("a"), Create("""{"x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}""", [0, 0, 128, 63, 0, 0, 0, 64]));
        Safetensors file = Safetensors.Open(folder.In("a"));
        CollectionAssert.AreEqual(new[] { 1f, 2f }, file.Read<float>("x"));
        Assert.ThrowsExactly<ModelFolderException>(() => file.Read<long>("x"));
        Assert.ThrowsExactly<ModelFolderException>(() => file.Read<float>("y"));
    }

    [TestMethod]
    [DataRow("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""")]
    [DataRow("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""")]
    [DataRow("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""")]
    [DataRow("""{"x":{"dtype":"F32","shape":[-2],"data_offsets":[8,0]}}""")]
    [DataRow("""{"x":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}""")]
    [DataRow("""{"x":{"dtype":"F32","shape":[2147483647,2147483647],"data_offsets":[0,8]}}""")]
    public void Read_InconsistentSizes_Throws(string header)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.In("a"), Create(header, new byte[8]));
        Assert.ThrowsExactly<ModelFolderException>(() => Safetensors.Open(folder.In("a")).Read<float>("x"));
    }

    [TestMethod]
    [DataRow("[]")]
    [DataRow("{")]
    [DataRow("""{"x":1}""")]
    [DataRow("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""")]
    public void Open_BrokenHeader_Throws(string header)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.In("a"), Create(header, new byte[8]));
        Assert.ThrowsExactly<ModelFolderException>(() => Safetensors.Open(folder.In("a")));
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(7)]
    [DataRow(100)]
    public void Open_TruncatedInTheHeader_Throws(int length)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.In("a"), File.ReadAllBytes(Path.Combine(Files.Tiny, "golden.safetensors"))[..length]);
        Assert.ThrowsExactly<ModelFolderException>(() => Safetensors.Open(folder.In("a")));
    }

    private static byte[] Create(string header, byte[] data)
    {
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return [.. length, .. Encoding.ASCII.GetBytes(header), .. data];
    }
}
