using System.Text.Json;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Exactness;

/// <summary>A task of golden/micro: a prompt with 3 or 4 unknown tokens, an order, and the exact joint of the unknown ones.</summary>
internal sealed class MicroTask
{
    public const int MaskId = 6;
    public const int Vocabulary = 8;

    private readonly int[] _targets;

    private MicroTask(string name, JsonElement task)
    {
        Safetensors exact = Safetensors.Open(Files.Golden("micro/exact.safetensors"));
        Tokens = exact.Read<int>(name + ".prompt");
        Order = Order.FromRanks(exact.Read<int>(name + ".sigma"), task.GetProperty("start").GetInt32());
        Joint = exact.Read<double>(name + ".joint_renormalised");
        Independent = exact.Read<double>(name + ".independent_product_of_draft");
        _targets = [.. task.GetProperty("masked_positions_ascending").EnumerateArray().Select(position => position.GetInt32())];
        ExpectedNfe = task.GetProperty("exact").EnumerateObject().ToDictionary(
            entry => int.Parse(entry.Name[1..], null), entry => entry.Value.GetProperty("mean_nfe").GetDouble());
    }

    public Order Order { get; }

    /// <summary>[Length] the prompt, the mask where unknown.</summary>
    public int[] Tokens { get; }

    /// <summary>[V^targets] the exact distribution.</summary>
    public double[] Joint { get; }

    /// <summary>[V^targets] what drafting all at once without verification draws.</summary>
    public double[] Independent { get; }

    /// <summary>Exact mean number of calls by draft length.</summary>
    public IReadOnlyDictionary<int, double> ExpectedNfe { get; }

    public static MicroTask Load(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Files.Golden("micro/distribution.json")));
        return new MicroTask(name, document.RootElement.GetProperty("tasks").GetProperty(name));
    }

    /// <summary>Which cell of the tables a sequence falls into.</summary>
    public int CellOf(ReadOnlySpan<int> tokens)
    {
        int cell = 0;
        foreach (int position in _targets)
            cell = cell * Vocabulary + tokens[position];
        return cell;
    }
}
