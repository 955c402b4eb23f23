using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>What the formats of model folders mean for the cache.</summary>
[TestClass]
public sealed class CachedGraphFormatTests
{
    /// <summary>16 positions more than a multiple of 64, beyond the maximum length too: the last one is spare.</summary>
    [TestMethod]
    [DataRow(1, 80)]
    [DataRow(64, 80)]
    [DataRow(65, 144)]
    [DataRow(128, 144)]
    public void SlotLength_OfAGraphThatUpdatesInPlace_HasASparePosition(int longest, int expected) =>
        Assert.AreEqual(expected, CachedGraphFormat.Of(ManifestOf(3)).SlotLength(longest));

    /// <summary>A multiple of 64, at most the maximum length: the graph has distances up to that length only.</summary>
    [TestMethod]
    [DataRow(2, 64)]
    [DataRow(64, 64)]
    [DataRow(65, 128)]
    [DataRow(129, 150)]
    public void SlotLength_OfATwoPartGraph_IsAtMostTheMaximum(int longest, int expected) =>
        Assert.AreEqual(expected, CachedGraphFormat.Of(ManifestOf(1) with { MaxLength = 150 }).SlotLength(longest));

    [TestMethod]
    [DataRow(1, true)]
    [DataRow(2, true)]
    [DataRow(3, false)]
    public void Of_Format_IsInTwoPartsBeforeFormat3(int format, bool inTwoParts) =>
        Assert.AreEqual(inTwoParts, CachedGraphFormat.Of(ManifestOf(1) with { FormatVersion = format }) is TwoPartFormat);

    /// <summary>Earlier formats cast keys and values of float16 graphs to float32.</summary>
    [TestMethod]
    [DataRow(1, "float16", 4)]
    [DataRow(2, "float16", 4)]
    [DataRow(3, "float16", 2)]
    [DataRow(3, "float16-weights", 4)]
    [DataRow(3, "int8", 4)]
    [DataRow(3, "float32", 4)]
    public void CacheBytesPerToken_OfAFormat_FollowsTheElementType(int format, string precision, int bytes)
    {
        ModelManifest manifest = ManifestOf(1) with { FormatVersion = format, Precision = precision };
        Assert.AreEqual((bytes, 2L * 3 * 32 * bytes), (manifest.CacheElementBytes, manifest.CacheBytesPerToken));
        Assert.AreEqual(bytes == 2, HostKeyValueCache.Create(manifest) is HostKeyValueCache<Half>);
    }

    private static ModelManifest ManifestOf(int format) => ModelFolder.Open(Files.InFormat(format)).Manifest;
}
