using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace AsArm.Inference.Devices;

/// <summary>
/// The device that runs the network: an execution provider of ONNX Runtime and the number of one of its devices. The default value is the CPU.
/// </summary>
/// <example><c>Device.Cuda</c>, <c>Device.Parse("cuda:1")</c>, <c>Device.Provider("OpenVINO")</c></example>
public readonly struct Device : IEquatable<Device>, IParsable<Device>
{
    internal const string CpuName = "cpu", CudaName = "cuda", TensorRTName = "tensorrt";

    private const string Suffix = "ExecutionProvider";

    private readonly string? _name;

    private Device(string name, int id) => (_name, Id) = (name, id);

    /// <summary>The CPU; available in every build.</summary>
    public static Device Cpu => default;

    /// <summary>An NVIDIA GPU through the CUDA execution provider.</summary>
    public static Device Cuda { get; } = new(CudaName, 0);

    /// <summary>An NVIDIA GPU through the TensorRT execution provider; nodes that TensorRT does not support run on CUDA.</summary>
    public static Device TensorRT { get; } = new(TensorRTName, 0);

    /// <summary>The devices that have a name of their own: cpu, cuda and tensorrt.</summary>
    public static IReadOnlyList<Device> WellKnown { get; } = [Cpu, Cuda, TensorRT];

    /// <summary>cpu, cuda, tensorrt, or the name of another execution provider as it was given.</summary>
    public string Name => _name ?? CpuName;

    /// <summary>The number of the device among those of its execution provider, from 0.</summary>
    public int Id { get; }

    /// <summary>A device of any execution provider, for those who know its options: nothing but the graph's results is known of it.</summary>
    /// <param name="name">The provider's name in ONNX Runtime, with or without "ExecutionProvider" at its end. The names of <see cref="WellKnown" /> are those devices.</param>
    /// <param name="id">The number of the device among those of the provider.</param>
    /// <exception cref="ArgumentException">The name is empty or has other characters than letters, digits, '_', '-' and '.', or the CPU has another number than 0.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public static Device Provider(string name, int id = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        return TryCreate(name, id, out Device device) ? device : throw new ArgumentException(Mistake(id == 0 ? name : $"{name}:{id}"), nameof(name));
    }

    /// <summary>The same execution provider with another of its devices.</summary>
    /// <param name="id">The number of the device.</param>
    /// <inheritdoc cref="Provider" path="/exception" />
    public Device WithId(int id) => Provider(Name, id);

    /// <summary>Reads a device: "cpu", "cuda", "tensorrt" or the name of another execution provider, and after a colon the number of the device, as in "cuda:1".</summary>
    /// <param name="text">The text; case does not matter in cpu, cuda and tensorrt.</param>
    /// <exception cref="FormatException">It is not a device.</exception>
    public static Device Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out Device device) ? device : throw new FormatException(Mistake(text));
    }

    /// <inheritdoc cref="Parse(string)" />
    public static bool TryParse([NotNullWhen(true)] string? text, out Device device)
    {
        device = default;
        if (text is null)
            return false;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
            return TryCreate(text, 0, out device);
        return int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int id) && TryCreate(text[..colon], id, out device);
    }

    /// <summary>cpu, cuda, cuda:1 and the like; <see cref="Parse(string)" /> reads it.</summary>
    public override string ToString() => Id == 0 ? Name : string.Create(CultureInfo.InvariantCulture, $"{Name}:{Id}");

    /// <inheritdoc />
    public bool Equals(Device other) => Id == other.Id && Name.Equals(other.Name, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc />
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Device other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Id, StringComparer.OrdinalIgnoreCase.GetHashCode(Name));

    /// <summary>Whether both are the same device.</summary>
    public static bool operator ==(Device left, Device right) => left.Equals(right);

    /// <summary>Whether they are different devices.</summary>
    public static bool operator !=(Device left, Device right) => !left.Equals(right);

    static Device IParsable<Device>.Parse(string s, IFormatProvider? provider) => Parse(s);

    static bool IParsable<Device>.TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Device result) => TryParse(s, out result);

    /// <summary>Whether it is one of <see cref="WellKnown" />, whatever its number.</summary>
    internal bool IsWellKnown => Name is CpuName or CudaName or TensorRTName;

    /// <summary>Whether a provider's name in ONNX Runtime is this name: case and "ExecutionProvider" at the end do not matter.</summary>
    internal static bool IsSameProvider(string left, string right) => WithoutSuffix(left).Equals(WithoutSuffix(right), StringComparison.OrdinalIgnoreCase);

    private static bool TryCreate(string name, int id, out Device device)
    {
        name = WellKnownName(name);
        bool isValid = name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.') && (name != CpuName || id == 0);
        device = isValid && name != CpuName ? new(name, id) : default;
        return isValid;
    }

    private static string WellKnownName(string name) =>
        new[] { CpuName, CudaName, TensorRTName }.FirstOrDefault(known => IsSameProvider(name, known)) ?? name;

    private static string WithoutSuffix(string name) => name.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase) ? name[..^Suffix.Length] : name;

    private static string Mistake(string text) =>
        $"'{text}' is not a device: use cpu, cuda, tensorrt or the name of another execution provider, and for the second GPU cuda:1.";
}
