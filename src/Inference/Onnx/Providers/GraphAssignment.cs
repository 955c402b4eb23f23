namespace AsArm.Inference.Onnx.Providers;

/// <summary>
/// Judges which execution provider runs which node. A device that was asked for has to compute all floating-point numbers; shapes and other integers may be
/// computed on the CPU, where ONNX Runtime puts those that depend on shapes only (docs/decisions/0036).
/// </summary>
internal static class GraphAssignment
{
    private static readonly string[] s_shapeOperators = ["Shape", "Size"];

    /// <summary>Why a graph does not run on a device; null if it does.</summary>
    /// <param name="nodes">All nodes that run.</param>
    /// <param name="providers">The providers of the device.</param>
    /// <param name="floats">Whether a node of the graph's file computes or reads floating-point numbers, by name. A node that is not there, as an optimisation made it, counts
    /// as one that does, unless it is of an operator that reads a shape.</param>
    public static string? Refusal(IReadOnlyList<AssignedNode> nodes, IReadOnlyCollection<string> providers, IReadOnlyDictionary<string, bool> floats)
    {
        if (nodes.Count == 0)
            return "ONNX Runtime does not say which nodes run where";
        AssignedNode[] elsewhere = [.. nodes.Where(node => !providers.Contains(node.Provider) && !IsIntegerOnCpu(node, floats))];
        if (elsewhere.Length > 0)
            return $"{elsewhere[0].Name} ({elsewhere[0].Operator}){Others(elsewhere.Length - 1)} would run on {string.Join(" and ", elsewhere.Select(node => node.Provider).Distinct())}";
        return nodes.Any(node => providers.Contains(node.Provider)) ? null : $"no node would run on {string.Join(" or ", providers)}";
    }

    private static bool IsIntegerOnCpu(AssignedNode node, IReadOnlyDictionary<string, bool> floats) =>
        node.Provider == ExecutionProvider.CpuName && (s_shapeOperators.Contains(node.Operator) || (floats.TryGetValue(node.Name, out bool isFloat) && !isFloat));

    private static string Others(int count) => count switch
    {
        0 => "",
        1 => " and another node",
        _ => $" and {count} other nodes",
    };
}
