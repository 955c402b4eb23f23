using System.Text.Json;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Exactness;

/// <summary>A task of golden/micro: a prompt with 3 or 4 targets, an order, and the exact joint distribution of the targets.</summary>
internal sealed class MicroTask
{
    public const int MaskId = 6;
    public const int Vocabulary = 8;
    public const int StateSize = 16;

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

    /// <summary>[Length] The prompt, with the mask at targets.</summary>
    public int[] Tokens { get; }

    /// <summary>[V^targets] The exact joint distribution.</summary>
    public double[] Joint { get; }

    /// <summary>[V^targets] The product of the drafts, which sampling all targets at once without verification draws from.</summary>
    public double[] Independent { get; }

    /// <summary>Exact mean NFE by draft length.</summary>
    public IReadOnlyDictionary<int, double> ExpectedNfe { get; }

    public static MicroTask Load(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Files.Golden("micro/distribution.json")));
        return new MicroTask(name, document.RootElement.GetProperty("tasks").GetProperty(name));
    }

    /// <summary>The index of a sequence in the tables.</summary>
    public int CellOf(ReadOnlySpan<int> tokens)
    {
        int cell = 0;
        foreach (int position in _targets)
            cell = cell * Vocabulary + tokens[position];
        return cell;
    }
}
