using System.Globalization;
using AsArm.Inference.Devices;

namespace AsArm.Inference.Onnx.Providers;

/// <summary>The shapes for which TensorRT builds an engine, in the words of its options: <c>input_ids:1x8,past_ranks:1x128</c>.</summary>
/// <param name="Min">trt_profile_min_shapes.</param>
/// <param name="Opt">trt_profile_opt_shapes.</param>
/// <param name="Max">trt_profile_max_shapes.</param>
internal sealed record TensorRTProfile(string Min, string Opt, string Max)
{
    /// <summary>The profile of a graph. It names all inputs with a dynamic dimension, since the provider refuses a profile that leaves one out.</summary>
    /// <param name="inputs">The inputs of the graph.</param>
    /// <param name="ranges">The sizes of dynamic dimensions, by name; those that the graph does not have are left out.</param>
    /// <returns>Null for a graph without dynamic dimensions.</returns>
    /// <exception cref="ArgumentException">A dynamic dimension has no range.</exception>
    public static TensorRTProfile? Of(IReadOnlyList<GraphInput> inputs, IReadOnlyDictionary<string, SizeRange> ranges)
    {
        GraphInput[] dynamic = [.. inputs.Where(input => input.Dimensions.Any(dimension => !IsNumber(dimension)))];
        return dynamic.Length == 0 ? null : new(Shapes(range => range.Min), Shapes(range => range.Opt), Shapes(range => range.Max));

        string Shapes(Func<SizeRange, int> size) => string.Join(',', dynamic.Select(input => $"{input.Name}:{string.Join('x', input.Dimensions.Select(dimension => Size(input, dimension, size)))}"));

        string Size(GraphInput input, string dimension, Func<SizeRange, int> size) =>
            IsNumber(dimension) ? dimension
            : ranges.TryGetValue(dimension, out SizeRange range) ? size(range).ToString(CultureInfo.InvariantCulture)
            : throw new ArgumentException($"{nameof(DeviceOptions.ProfileShapes)} has no sizes of {dimension}, a dimension of {input.Name}.", nameof(ranges));
    }

    private static bool IsNumber(string dimension) => int.TryParse(dimension, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
