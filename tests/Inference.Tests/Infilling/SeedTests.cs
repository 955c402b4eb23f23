using System.Text.Json;
using System.Text.Json.Serialization;
using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>
/// Recorded texts of seeds, which are the same in every version: the default model in float32, which is reproducible on all CPUs up to rounding,
/// alone and in a batch. Measuring or exporting the model again changes the texts of <see cref="SamplerKind.Fused" />; ASARM_RECORD_SEEDS=FILE
/// then records them.
/// </summary>
[TestClass]
public sealed class SeedTests
{
    private static readonly (string Text, InfillOptions Options)[] s_requests =
    [
        ("Once there was a <mask> who lived in a <mask:2>.", new() { Temperature = 0.7 }),
        ("The king <mask:12> and they all went home.", new()),
        ("Lily <mask> to the <mask> with her <mask>, and <mask:3> a big <mask>.", new()),
        ("It was raining, so <mask:20>", new() { Temperature = 0.8, TopP = 0.95 }),
        ("<mask:8> because he was very tired.", new() { Order = DecodingOrder.RightToLeft }),
        ("The <mask:2> of the <mask:3> was <mask:4> by the <mask:5>.", new() { Order = DecodingOrder.Random }),
        ("She opened the <mask:6>. There was <mask:6> in it.", new() { TopK = 20 }),
        ("\"Where is <mask:4>?\" asked <mask:2>. \"I have <mask:6>.\"", new() { GapSpacing = GapSpacing.FromModel }),
        ("They walked to the <mask:5> and saw <mask:9>.", new() { Temperature = 0 }),
        ("One <mask> two <mask> three <mask:3> and then <mask:14> the end.", new() { DraftLength = 3 }),
    ];

    [TestMethod]
    public void Infill_RecordedSeeds_GivesTheRecordedTexts()
    {
        List<Recorded> results = Run();
        if (Environment.GetEnvironmentVariable("ASARM_RECORD_SEEDS") is string path)
            File.WriteAllText(path, JsonSerializer.Serialize(results, RecordedContext.Default.ListRecorded) + "\n");
        List<Recorded> recorded = JsonSerializer.Deserialize(File.ReadAllText(Files.Golden("seeds/english-18m.json")), RecordedContext.Default.ListRecorded)!;
        Assert.HasCount(2 * Enum.GetValues<SamplerKind>().Length * s_requests.Length, recorded);
        CollectionAssert.AreEqual(recorded, results);
    }

    private static List<Recorded> Run()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });
        var results = new List<Recorded>();
        foreach (SamplerKind sampler in Enum.GetValues<SamplerKind>())
        {
            InfillRequest[] requests = [.. s_requests.Select((one, i) => new InfillRequest(one.Text, one.Options with { Sampler = sampler, Seed = 100 + i }))];
            results.AddRange(requests.Select(request => Record(infiller.InfillBatch([request])[0], sampler, batch: false)));
            results.AddRange(infiller.InfillBatch(requests).Select(result => Record(result, sampler, batch: true)));
        }

        return results;
    }

    private static Recorded Record(InfillResult result, SamplerKind sampler, bool batch) => new(sampler, batch, result.Seed, result.Text, result.Statistics.Nfe);

    internal sealed record Recorded(SamplerKind Sampler, bool Batch, long Seed, string Text, int Nfe);
}

[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true, NewLine = "\n")]
[JsonSerializable(typeof(List<SeedTests.Recorded>))]
internal sealed partial class RecordedContext : JsonSerializerContext;
