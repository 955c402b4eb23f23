using Mono.Cecil;
using Mono.Cecil.Cil;

namespace AsArm.Assd.Tests.Support;

/// <summary>
/// The order of the folders of a project: types of a folder use types of their own folder and of those before it only. Read off the
/// compiled assembly, so that uses within method bodies count.
/// </summary>
internal static class FolderOrder
{
    /// <summary>Uses of a later folder, and namespaces that the order does not name, as "user -> used".</summary>
    /// <param name="path">The assembly.</param>
    /// <param name="root">Its root namespace.</param>
    /// <param name="folders">Namespaces below the root, each after all that it uses; the empty string is the root itself.</param>
    public static IReadOnlyList<string> Violations(string path, string root, IReadOnlyList<string> folders)
    {
        using AssemblyDefinition assembly = AssemblyDefinition.ReadAssembly(path);
        var violations = new SortedSet<string>();
        foreach (TypeDefinition type in assembly.MainModule.Types.Where(type => IsWithin(type.Namespace, root)))
        {
            int place = PlaceOf(type.Namespace);
            if (place < 0)
                violations.Add($"{type.FullName} -> no place in the order");
            foreach (string used in WithNested(type).SelectMany(UsedBy).Select(NamespaceOf).Where(used => IsWithin(used, root)))
            {
                if (PlaceOf(used) > place)
                    violations.Add($"{type.FullName} -> {used}");
            }
        }

        return [.. violations];

        int PlaceOf(string space) => folders.ToList().IndexOf(space == root ? "" : space[(root.Length + 1)..]);
    }

    private static bool IsWithin(string space, string root) => space == root || space.StartsWith(root + ".", StringComparison.Ordinal);

    private static IEnumerable<TypeDefinition> WithNested(TypeDefinition type) => type.NestedTypes.SelectMany(WithNested).Prepend(type);

    private static string NamespaceOf(TypeReference type)
    {
        while (type.DeclaringType is not null)
            type = type.DeclaringType;
        return type.Namespace;
    }

    private static IEnumerable<TypeReference> UsedBy(TypeDefinition type) =>
        new[] { type.BaseType }
            .Concat(type.Interfaces.Select(one => one.InterfaceType))
            .Concat(type.Fields.Select(field => field.FieldType))
            .Concat(type.CustomAttributes.Select(attribute => attribute.AttributeType))
            .Concat(ConstraintsOf(type))
            .Concat(type.Methods.SelectMany(UsedBy))
            .Where(used => used is not null)
            .SelectMany(Parts);

    private static IEnumerable<TypeReference> UsedBy(MethodDefinition method) =>
        method.Parameters.Select(parameter => parameter.ParameterType)
            .Append(method.ReturnType)
            .Concat(method.CustomAttributes.Select(attribute => attribute.AttributeType))
            .Concat(ConstraintsOf(method))
            .Concat(method.HasBody ? method.Body.Variables.Select(variable => variable.VariableType) : [])
            .Concat(method.HasBody ? method.Body.Instructions.SelectMany(UsedBy) : []);

    private static IEnumerable<TypeReference> ConstraintsOf(IGenericParameterProvider generic) =>
        generic.GenericParameters.SelectMany(parameter => parameter.Constraints).Select(constraint => constraint.ConstraintType);

    private static IEnumerable<TypeReference> UsedBy(Instruction instruction) => instruction.Operand switch
    {
        TypeReference type => [type],
        FieldReference field => [field.DeclaringType, field.FieldType],
        MethodReference method => [method.DeclaringType, method.ReturnType, .. method.Parameters.Select(parameter => parameter.ParameterType), .. method is GenericInstanceMethod generic ? generic.GenericArguments : []],
        _ => [],
    };

    /// <summary>A type with the arguments and elements that it is made of.</summary>
    private static IEnumerable<TypeReference> Parts(TypeReference type) => type switch
    {
        FunctionPointerType function => function.Parameters.Select(parameter => parameter.ParameterType).Append(function.ReturnType).SelectMany(Parts),
        GenericInstanceType generic => generic.GenericArguments.SelectMany(Parts).Prepend(generic.ElementType),
        TypeSpecification specification => Parts(specification.ElementType),
        _ => [type],
    };
}
